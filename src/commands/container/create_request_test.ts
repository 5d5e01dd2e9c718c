import { strict as assert } from "node:assert";
import { parseFlags } from "../../cli/mod.ts";
import { CREATE_FLAGS, type CreateFlagValues } from "./create_flags.ts";
import { createRequest } from "./create_request.ts";
import { parseEnvFile } from "../opts/env_file.ts";

const env = (name: string) => ({ HOME: "/root", EMPTY: "" })[name];

async function build(argv: string[], detached = false) {
  const { flags, args } = parseFlags(CREATE_FLAGS, argv, { flagsFirst: true });
  // The parser sets every flag of the specs.
  return await createRequest(flags as CreateFlagValues, args, { env, cwd: "/home/me/work", detached });
}

Deno.test("create request: without flags it has only the image", async () => {
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

Deno.test("create request: every flag is converted to its field", async () => {
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

Deno.test("create request: every limit, device and name is converted to its field", async () => {
  const argv = [
    ..."-m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness 0 --oom-kill-disable --cpus 1.5".split(
      " ",
    ),
    ..."--cpu-shares 512 --cpu-period 100000 --cpu-quota -1 --cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 9".split(
      " ",
    ),
    ..."--ulimit nofile=10:20 --blkio-weight 500 --blkio-weight-device /dev/sda:300 --shm-size 1g".split(" "),
    ..."--device-read-bps /dev/sda:1mb --device-write-bps /dev/sda:2mb --device-read-iops /dev/sda:3".split(" "),
    ..."--device-write-iops /dev/sda:4 --cgroup-parent /p --oom-score-adj -5 --group-add audio --runtime other".split(
      " ",
    ),
    ..."--device /dev/fuse:/dev/f:r --pid host --ipc shareable --uts host --cgroupns private --userns host".split(" "),
    ..."--security-opt no-new-privileges --add-host a=[::1] --dns 1.1.1.1 --dns-search . --dns-option ndots:1".split(
      " ",
    ),
    ..."--domainname example.test --expose 80 --annotation a=b --sysctl net.a=1 --mount type=tmpfs,dst=/t".split(" "),
    ...["--device-cgroup-rule", "c 1:* rw", "img"],
  ];
  const { ExposedPorts, Domainname, HostConfig } = await build(argv);
  assert.deepEqual([ExposedPorts, Domainname], [{ "80/tcp": {} }, "example.test"]);
  assert.deepEqual(HostConfig, {
    AutoRemove: false,
    Memory: 64 << 20,
    MemorySwap: -1,
    MemoryReservation: 32 << 20,
    MemorySwappiness: 0,
    OomKillDisable: true,
    NanoCpus: 1.5e9,
    CpuShares: 512,
    CpuPeriod: 100_000,
    CpuQuota: -1,
    CpusetCpus: "0-1",
    CpusetMems: "0",
    PidsLimit: 9,
    Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
    BlkioWeight: 500,
    BlkioWeightDevice: [{ Path: "/dev/sda", Weight: 300 }],
    BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 1 << 20 }],
    BlkioDeviceWriteBps: [{ Path: "/dev/sda", Rate: 2 << 20 }],
    BlkioDeviceReadIOps: [{ Path: "/dev/sda", Rate: 3 }],
    BlkioDeviceWriteIOps: [{ Path: "/dev/sda", Rate: 4 }],
    ShmSize: 1 << 30,
    CgroupParent: "/p",
    OomScoreAdj: -5,
    GroupAdd: ["audio"],
    Runtime: "other",
    Devices: [{ PathOnHost: "/dev/fuse", PathInContainer: "/dev/f", CgroupPermissions: "r" }],
    DeviceCgroupRules: ["c 1:* rw"],
    PidMode: "host",
    IpcMode: "shareable",
    UTSMode: "host",
    CgroupnsMode: "private",
    UsernsMode: "host",
    SecurityOpt: ["no-new-privileges"],
    ExtraHosts: ["a:::1"],
    Dns: ["1.1.1.1"],
    DnsSearch: ["."],
    DnsOptions: ["ndots:1"],
    Annotations: { a: "b" },
    Sysctls: { "net.a": "1" },
    Mounts: [{ Type: "tmpfs", Target: "/t" }],
  });
});

Deno.test("create request: labels of the command line override those of files", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "# a comment\na=file\nb=file\nbare\n");
    const { Labels } = await build(["--label-file", file, "-l", "b=flag", "-l", "c", "img"]);
    assert.deepEqual(Labels, { a: "file", b: "flag", c: "" });
  } finally {
    await Deno.remove(file);
  }
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
  assert.deepEqual(await streams(["-i", "-a", "stdout", "a"]), [true, true, false, true, true]);
});

Deno.test("create request: invalid flags are refused", async () => {
  await assert.rejects(build(["-a", "stdlog", "a"]), /valid streams are STDIN, STDOUT and STDERR/);
  await assert.rejects(
    build(["-a", "stdin", "a"], true),
    /^StatusError: conflicting options: cannot specify both --attach and --detach$/,
  );
  await assert.rejects(build(["-e", "=x", "a"]), /invalid environment variable: =x/);
  await assert.rejects(build(["-l", "=x", "a"]), /empty name/);
  await assert.rejects(build(["--env-file", "/nonexistent/file", "a"]), /no such file or directory/);
});

Deno.test("env file: is parsed by Docker's rules", async () => {
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

Deno.test("create request: log driver and options are converted", async () => {
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
