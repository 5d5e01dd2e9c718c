import { strict as assert } from "node:assert";
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";
import { envOverrides } from "./config_overrides.ts";
import { runLine } from "./run_command_line.ts";

const ATTACHED = { AttachStdin: false, AttachStdout: true, AttachStderr: true };
const line = (config: ContainerConfig, hostConfig: HostConfig = {}) =>
  runLine({ name: "web", image: "nginx:1.27", config: { ...ATTACHED, ...config }, hostConfig });

Deno.test("run line: requested settings are in a stable order and quoted if necessary", () => {
  assert.deepEqual(line({}), { line: "tsd run --name web nginx:1.27", missing: [] });
  const made = line(
    {
      ...{ AttachStdout: false, AttachStderr: false, Env: ["GREETING=it's me", "GONE"], Labels: { a: "", b: "c d" } },
      ...{ Entrypoint: ["sh"], Cmd: ["-c", "exit 3"], StopTimeout: 0, Healthcheck: { Test: ["NONE"] } },
    },
    {
      ...{ Memory: 64 << 20, NanoCpus: 15e8, RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
      ...{ Binds: ["/src:/dst:ro"], Mounts: [{ Type: "tmpfs", Target: "/a,b", TmpfsOptions: { Mode: 0o1777 } }] },
      ...{ SecurityOpt: ['seccomp={"a":1}'], MaskedPaths: [], ReadonlyPaths: [] },
    },
  );
  const words = [
    ...["env -u GONE tsd run --name web --detach --restart on-failure:3"],
    ...["--env 'GREETING=it'\\''s me' --env GONE --label a= --label 'b=c d'"],
    ...[`--volume /src:/dst:ro --mount 'type=tmpfs,"target=/a,b",tmpfs-mode=1777'`],
    ...[`--security-opt 'seccomp={"a":1}' --security-opt systempaths=unconfined`],
    ...["--memory 67108864 --cpus 1.5 --stop-timeout 0 --no-healthcheck --entrypoint sh nginx:1.27 -c 'exit 3'"],
  ];
  assert.deepEqual(made, { line: words.join(" "), missing: [] });
});

Deno.test("run line: settings that no flag can express are returned separately", () => {
  const { line: text, missing } = line(
    { Entrypoint: ["a", "b"], Cmd: ["c"], Healthcheck: { Test: ["CMD", "x"] }, Labels: { "a b": "" } },
    { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "80" }] }, Links: ["db"], MaskedPaths: ["/proc/x"] },
  );
  assert.equal(text, "tsd run --name web --publish 80:80/tcp --entrypoint a nginx:1.27 b c");
  assert.deepEqual(missing, [
    "a health check without a shell",
    "an entry point of several words, which is one with arguments",
    "lists of masked and read-only paths",
    "Links",
    "--label 'a b='",
  ]);
});

Deno.test("environment overrides: the shortest prefix that gives the same environment", () => {
  assert.deepEqual(envOverrides(["A=1", "B=2"], ["A=1", "B=2"]), []);
  assert.deepEqual(envOverrides(["A=1", "B=2"], ["C=3", "A=1", "B=2"]), ["C=3"]);
  assert.deepEqual(envOverrides(["A=1", "B=2"], ["B=2", "A=1"]), ["B=2"]);
  assert.deepEqual(envOverrides(["A=1"], ["A"]), ["A"]);
});

const INSPECT = {
  Id: "0123456789ab".padEnd(64, "c"),
  Name: "/web",
  Image: "sha256:1",
  Config: {
    ...{ Image: "nginx", Hostname: "0123456789ab", Domainname: "", User: "", WorkingDir: "", Tty: false },
    ...{ ...ATTACHED, OpenStdin: false, StdinOnce: false, Env: ["MINE=1", "PATH=/bin"], Cmd: ["nginx"] },
    ...{ Entrypoint: null, Labels: { of: "image", mine: "1" }, OnBuild: null },
  },
  HostConfig: {
    ...{ NetworkMode: "default", IpcMode: "private", ShmSize: 64 << 20, Runtime: "runc", CgroupnsMode: "private" },
    ...{
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      LogConfig: { Type: "json-file", Config: {} },
      Binds: null,
    },
    ...{ AutoRemove: false, PortBindings: {}, Memory: 1 << 30, MemorySwap: 2 ** 31, OomKillDisable: false },
  },
};
const IMAGE = { Id: "sha256:1", Config: { Env: ["PATH=/bin"], Cmd: ["nginx"], Labels: { of: "image" } } };

/** @param nginx the id of the image that `nginx` refers to by now */
function engine(nginx = "sha256:1") {
  return new FakeEngine(({ path }) => {
    if (path === "/containers/web/json") return { json: INSPECT };
    if (path === "/info") return { json: { Name: "host", DefaultRuntime: "runc", CgroupVersion: "2" } };
    if (path === "/images/nginx/json") return { json: { ...IMAGE, Id: nginx } };
    if (path === "/images/sha256%3A1/json" || path === "/images/sha256:1/json") return { json: IMAGE };
    if (path === "/containers/json") return { json: [{ Names: ["/web"] }, { Names: ["/web-clone"] }] };
    return { json: { Id: "new", Warnings: ["a warning"] } };
  });
}

Deno.test("inspect --as run: values of the image and default values are omitted", async () => {
  assert.deepEqual(await callTsd(engine(), ["inspect", "--as", "run", "web"]), {
    code: 0,
    out: "tsd run --name web --env MINE=1 --label mine=1 --memory 1073741824 nginx\n",
    err: "",
  });
  // The reference now refers to another image, so the image's id is used.
  const { out } = await callTsd(engine("sha256:2"), ["container", "inspect", "--as", "run", "web"]);
  assert.equal(out, "tsd run --name web --env MINE=1 --label mine=1 --memory 1073741824 sha256:1\n");
});

Deno.test("inspect --as: unknown forms and conflicting flags are refused", async () => {
  const { err } = await callTsd(engine(), ["inspect", "--as", "compose", "web"]);
  assert.match(err, /^"compose" is not a valid value for --as: give run\n/);
  const both = await callTsd(engine(), ["inspect", "--as", "run", "-f", "json", "web"]);
  assert.match(both.err, /^conflicting options: --as goes with neither --format nor --size\n/);
});

Deno.test("container clone: settings are copied and overridden, and an unused name is chosen", async () => {
  const fake = engine();
  const argv = "container clone -m 2g -e MINE=2 -e NEW=3 -l mine=2 --run web".split(" ");
  assert.deepEqual(await callTsd(fake, argv), { code: 0, out: "new\n", err: "WARNING: a warning\n" });
  const create = fake.requests.find(({ path }) => path === "/containers/create")!;
  assert.deepEqual(create.query, { name: "web-clone1", platform: undefined });
  assert.deepEqual(create.body, {
    ...{ ...ATTACHED, Tty: false, OpenStdin: false, StdinOnce: false, Image: "nginx" },
    ...{ Env: ["MINE=2", "NEW=3"], Labels: { mine: "2" } },
    HostConfig: { Memory: 2 ** 31 },
  });
  assert.equal(fake.calls.at(-1), "POST /containers/new/start");
});

Deno.test("container clone: a name and another image are accepted, and --destroy removes the original", async () => {
  const fake = engine();
  await callTsd(fake, ["container", "clone", "--destroy", "--force", "web", "web2", "nginx:2"]);
  const create = fake.requests.find(({ path }) => path === "/containers/create")!;
  assert.deepEqual([create.query?.name, (create.body as { Image: string }).Image], ["web2", "nginx:2"]);
  assert.equal(fake.calls.at(-1), "DELETE /containers/web");
  for (const wrong of [["--name", "a", "web", "b"], ["--force", "web"]]) {
    assert.equal((await callTsd(engine(), ["container", "clone", ...wrong])).code, 125);
  }
});
