import { strict as assert } from "node:assert";
import { parseFlags } from "../cli/mod.ts";
import { CREATE_FLAGS, type CreateFlagValues } from "./create_flags.ts";
import { createRequest } from "./create_request.ts";
import { parseEnvFile } from "./env_file.ts";

const env = (name: string) => ({ HOME: "/root", EMPTY: "" })[name];

function build(argv: string[], detached = false) {
  const { flags, args } = parseFlags(CREATE_FLAGS, argv, { flagsFirst: true });
  // The parser fills in every flag of the specs.
  return createRequest(flags as CreateFlagValues, args, { env, cwd: "/home/me/work", detached });
}

Deno.test("create request: nothing but the image says nothing else", async () => {
  assert.deepEqual(await build(["busybox"]), {
    Image: "busybox",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: false,
    StdinOnce: false,
    Tty: false,
    Env: [],
    Labels: {},
    HostConfig: { AutoRemove: false },
  });
});

Deno.test("create request: every flag has its field", async () => {
  const argv = [
    ..."-i -t --rm -e A=b -e HOME -e UNSET -e EMPTY -w /w -u 1:2 --entrypoint /bin/x -h box -l a=b=c -l d".split(" "),
    ..."-v /src:/dst:ro -v ./here:/h -v ..:/up -v .:/dot -v name:/vol -v /anon --network none --privileged".split(" "),
    ..."--read-only --cap-add NET_ADMIN --cap-drop ALL --tmpfs /run:size=1m --tmpfs /tmp --stop-signal INT".split(" "),
    ..."--stop-timeout 0 --cidfile /c img cmd -x --rm".split(" "),
  ];
  assert.deepEqual(await build(argv), {
    Image: "img",
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: true,
    Env: ["A=b", "HOME=/root", "UNSET", "EMPTY="],
    Labels: { a: "b=c", d: "" },
    Cmd: ["cmd", "-x", "--rm"],
    Entrypoint: ["/bin/x"],
    User: "1:2",
    WorkingDir: "/w",
    Hostname: "box",
    StopSignal: "INT",
    StopTimeout: 0,
    Volumes: { "/anon": {} },
    HostConfig: {
      AutoRemove: true,
      Binds: [
        "/src:/dst:ro",
        "/home/me/work/here:/h",
        "/home/me:/up",
        "/home/me/work:/dot",
        "name:/vol",
      ],
      NetworkMode: "none",
      Privileged: true,
      ReadonlyRootfs: true,
      CapAdd: ["NET_ADMIN"],
      CapDrop: ["ALL"],
      ContainerIDFile: "/c",
      Tmpfs: { "/run": "size=1m", "/tmp": "" },
    },
  });
});

Deno.test("create request: an empty entrypoint is sent, -d attaches nothing, -a chooses", async () => {
  assert.deepEqual((await build(["--entrypoint", "", "a"])).Entrypoint, [""]);
  const streams = async (argv: string[], detached?: boolean) => {
    const { AttachStdin, AttachStdout, AttachStderr, OpenStdin, StdinOnce } = await build(argv, detached);
    return [AttachStdin, AttachStdout, AttachStderr, OpenStdin, StdinOnce];
  };
  assert.deepEqual(await streams(["-i", "a"], true), [false, false, false, true, false]);
  assert.deepEqual(await streams(["-a", "STDERR", "a"]), [false, false, true, false, false]);
  assert.deepEqual(await streams(["-a", "stdin", "-a", "stdout", "a"]), [true, true, false, true, true]);
});

Deno.test("create request: refusals", async () => {
  await assert.rejects(build(["-a", "stdlog", "a"]), /valid streams are STDIN, STDOUT and STDERR/);
  await assert.rejects(build(["-a", "stdin", "a"], true), /Conflicting options: -a and -d/);
  await assert.rejects(build(["-e", "=x", "a"]), /invalid environment variable: =x/);
  await assert.rejects(build(["-l", "=x", "a"]), /empty name/);
  await assert.rejects(build(["--env-file", "/nonexistent/file", "a"]), /no such file or directory/);
});

Deno.test("env file: Docker's rules", async () => {
  const text = "\uFEFFA=b\r\n# comment\n  B= x # y \n\n\t#no\nHOME\nUNSET\nC='q'\nD=\n";
  assert.deepEqual(parseEnvFile("f", text, env), ["A=b", "B= x # y ", "HOME=/root", "C='q'", "D="]);
  assert.throws(
    () => parseEnvFile("f", "=x", env),
    /^UsageError: invalid env file \(f\): no variable name on line '=x'/,
  );
  assert.throws(() => parseEnvFile("f", "A B=x", env), /variable 'A B' contains whitespaces/);
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/env`, "FROM=file\n");
    assert.deepEqual((await build(["-e", "A=1", "--env-file", `${dir}/env`, "a"])).Env, ["FROM=file", "A=1"]);
    await Deno.writeFile(`${dir}/bad`, new Uint8Array([65, 61, 255]));
    await assert.rejects(build(["--env-file", `${dir}/bad`, "a"]), /not UTF-8/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("create request: the log's driver and options", async () => {
  const logConfig = async (...argv: string[]) => (await build([...argv, "img"])).HostConfig?.LogConfig;
  assert.equal(await logConfig(), undefined);
  assert.deepEqual(await logConfig("--log-driver", "none"), { Type: "none", Config: {} });
  assert.deepEqual(await logConfig("--log-opt", "max-size=10m", "--log-opt=tag=a=b", "--log-opt", "env"), {
    Type: "",
    Config: { "max-size": "10m", tag: "a=b", env: "" },
  });
  await assert.rejects(
    logConfig("--log-driver=none", "--log-opt", "max-file=2"),
    /invalid logging opts for driver none/,
  );
});
