import { strict as assert } from "node:assert";
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { probeHost } from "../../runtime/spec/mod.ts";
import { defaultHostname, mergeConfig, specSettings } from "./container_spec.ts";

const ID = "0123456789ab".padEnd(64, "c");
const INFO = await probeHost();

function imageWith(config: Record<string, unknown>) {
  const text = JSON.stringify({ os: "linux", architecture: "amd64", config, rootfs: { type: "layers", diff_ids: [] } });
  return parseImageConfig(new TextEncoder().encode(text), "config");
}

const merged = (image: Record<string, unknown>, own: ContainerConfig) =>
  mergeConfig(imageWith(image), own, defaultHostname({}, ID));
const settings = (config: ContainerConfig, host: HostConfig) => specSettings(config, host, INFO);

function refuses(act: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(act, (thrown) => {
    assert.ok(isTsdError(thrown, code), String(thrown));
    assert.match(thrown.message, message);
    return true;
  });
}

Deno.test("the image's defaults hold where the caller says nothing", () => {
  const config = merged({
    User: "app",
    Env: ["PATH=/bin", "A=image"],
    Entrypoint: ["/entry"],
    Cmd: ["run"],
    WorkingDir: "/srv",
    Labels: { a: "image", b: "image" },
    StopSignal: "SIGQUIT",
    ExposedPorts: { "80/tcp": {} },
  }, { Labels: { a: "own" }, Env: ["A=own", "B=2"], ExposedPorts: { "81/tcp": {} } });
  assert.deepEqual(config.Entrypoint, ["/entry"]);
  assert.deepEqual(config.Cmd, ["run"]);
  assert.deepEqual([config.User, config.WorkingDir, config.StopSignal], ["app", "/srv", "SIGQUIT"]);
  assert.deepEqual([...config.Env!].sort(), ["A=own", "B=2", "PATH=/bin"]);
  assert.deepEqual(config.Labels, { a: "own", b: "image" });
  assert.deepEqual(Object.keys(config.ExposedPorts!).sort(), ["80/tcp", "81/tcp"]);
  assert.equal(config.Hostname, "0123456789ab");
});

Deno.test("what the caller says goes first; an entrypoint of his own drops the image's command", () => {
  const image = { User: "app", Entrypoint: ["/entry"], Cmd: ["run"], StopSignal: "QUIT" };
  const own = merged(image, { User: "0", Cmd: ["other"], Hostname: "h", StopSignal: "USR1" });
  assert.deepEqual([own.User, own.Entrypoint, own.Cmd, own.Hostname, own.StopSignal], [
    "0",
    ["/entry"],
    ["other"],
    "h",
    "USR1",
  ]);
  const entry = merged(image, { Entrypoint: ["sh"] });
  assert.deepEqual([entry.Entrypoint, entry.Cmd], [["sh"], []]);
});

Deno.test("no command, or a stop signal that is none, is refused at once", () => {
  refuses(() => merged({}, {}), "invalid_argument", /^no command specified$/);
  refuses(() => merged({ Cmd: ["a"] }, { StopSignal: "NOPE" }), "invalid_argument", /invalid signal: NOPE/);
  refuses(() => merged({ Cmd: ["a"], StopSignal: "NOPE" }, {}), "invalid_argument", /invalid signal: NOPE/);
});

Deno.test("settings: command line, folder, limits; absent ones stay absent", () => {
  const config = merged({ Entrypoint: ["sh", "-c"], Cmd: ["ls"], Env: ["A=b"] }, {});
  const made = settings(config, { Memory: 4096, PidsLimit: null, Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] });
  assert.deepEqual(made.args, ["sh", "-c", "ls"]);
  assert.equal(made.cwd, "/");
  assert.ok(made.env.includes("A=b") && made.env.some((each) => each.startsWith("PATH=")));
  assert.deepEqual(made.resources, { memoryBytes: 4096 });
  assert.deepEqual(made.ulimits, [{ name: "nofile", soft: 1, hard: 2 }]);
  assert.deepEqual([made.ipc, made.pid, made.uts, made.network], ["private", "private", "private", { path: "" }]);
  const network = (NetworkMode: string, net?: string) =>
    specSettings(config, { NetworkMode }, INFO, { joined: { ...net && { net } } }).network;
  assert.deepEqual(["host", "none"].map((mode) => network(mode)), ["host", "none"]);
  assert.deepEqual([network("bridge", "/n"), network("container:x", "/n")], [{ path: "/n" }, {
    path: "/n",
    shared: true,
  }]);
});

Deno.test("namespaces: the host's, another container's; what there isn't is refused in Docker's words", () => {
  const config = merged({ Cmd: ["a"] }, {});
  const cases: [HostConfig, ErrorCode, RegExp][] = [
    [{ PidMode: "private" }, "invalid_argument", /^invalid PID mode: private$/],
    [{ PidMode: "container:" }, "invalid_argument", /^invalid PID mode: container:$/],
    [{ IpcMode: "other" }, "invalid_argument", /^invalid IPC mode: other$/],
    [{ UTSMode: "other" }, "invalid_argument", /^invalid UTS mode: other$/],
    [{ UsernsMode: "private" }, "invalid_argument", /^invalid USER mode: private$/],
    [{ CgroupnsMode: "other" as "host" }, "invalid_argument", /^invalid cgroup namespace mode: other$/],
    [{ LogConfig: { Type: "syslog", Config: {} } }, "not_implemented", /log driver syslog/],
  ];
  for (const [host, code, message] of cases) refuses(() => settings(config, host), code, message);
  const modes = (host: HostConfig, joined = {}) => {
    const { pid, ipc, uts, cgroupns } = specSettings(config, host, { ...INFO, cgroupVersion: 2 }, { joined });
    return [pid, ipc, uts, cgroupns];
  };
  assert.deepEqual(modes({}), ["private", "private", "private", "private"]);
  const host: HostConfig = {
    PidMode: "host",
    IpcMode: "host",
    UTSMode: "host",
    CgroupnsMode: "host",
    UsernsMode: "host",
  };
  assert.deepEqual(modes(host), ["host", "host", "host", "host"]);
  assert.deepEqual(modes({ IpcMode: "none" })[1], "none");
  assert.deepEqual(modes({ IpcMode: "shareable" })[1], "private");
  const others = { PidMode: "container:a", IpcMode: "container:b" };
  assert.deepEqual(modes(others, { pid: "/p", ipc: "/i" }).slice(0, 2), [{ path: "/p" }, { path: "/i" }]);
});

Deno.test("on the host's network a container is called as the host", () => {
  assert.equal(defaultHostname({ NetworkMode: "host" }, ID), Deno.hostname());
  assert.equal(defaultHostname({ NetworkMode: "none" }, ID), "0123456789ab");
});
