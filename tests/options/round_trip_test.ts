/**
 * `inspect --as run` and `container clone`: for containers of any command line and image, the printed command line
 * creates an equal one. Without an engine: requests are merged as the engine merges them.
 */
import { strict as assert } from "node:assert";
import fc from "fast-check";
import { inspectContainer } from "../../src/api/views/container_view.ts";
import type { ContainerCreateRequest, ContainerInspect, ImageConfig } from "../../src/api_types/mod.ts";
import { parseFlags } from "../../src/cli/mod.ts";
import { Client } from "../../src/client/client.ts";
import { FakeEngine } from "../../src/client/fake_engine_testing.ts";
import { cloneRequest } from "../../src/commands/container/clone.ts";
import { CREATE_FLAGS, type CreateFlagValues } from "../../src/commands/container/create_flags.ts";
import { createRequest } from "../../src/commands/container/create_request.ts";
import { madeContainer } from "../../src/commands/inspect_as_run/inspected_container.ts";
import { runLine } from "../../src/commands/inspect_as_run/run_command_line.ts";
import { shellWord } from "../../src/commands/inspect_as_run/shell_quote.ts";
import { Container } from "../../src/engine/model/container.ts";
import { fakeContainer } from "../../src/engine/containers/containers_testing.ts";
import { withHostDefaults } from "../../src/engine/containers/host_defaults.ts";
import { defaultHostname, mergeConfig } from "../../src/engine/containers/container_spec.ts";
import { enginePaths } from "../../src/engine/paths.ts";
import { parseImageConfig } from "../../src/image/config.ts";
import { HOST } from "../../src/runtime/spec/spec_testing.ts";
import { runCommand } from "../harness/mod.ts";

const ID = "0123456789ab".padEnd(64, "c");
const NO_NETWORK = { sandbox: undefined, endpoints: [] };
const PATHS = await enginePaths("/var/lib/tsd");
const INFO = { Name: Deno.hostname(), DefaultRuntime: "runc", CgroupVersion: "1" };
const RUN_FLAGS = { ...CREATE_FLAGS, detach: { type: "bool", short: "d", help: "" } } as const;

const char = fc.constantFrom("a", "b", "1", " ", "'", '"', "$", "\\", "\n", "=", ",", "*", "-", "é", "~", "`");
const text = fc.string({ unit: char, maxLength: 6 });
const word = fc.string({ unit: fc.constantFrom("a", "b", "X", "1", "_"), minLength: 1, maxLength: 4 });
const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const count = fc.integer({ min: 1, max: 2 ** 31 });
const megabytes = fc.integer({ min: 6, max: 9999 }).map((size) => `${size}m`);
const tuple = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((all) => all.join(""));
const just = fc.constant;

/** Arguments of each flag; only values that the client accepts. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "add-host": tuple(word, fc.constantFrom(":10.0.0.1", "=::1", ":[fd00::2]")),
  annotation: tuple(word, just("="), text),
  attach: fc.constantFrom("stdin", "STDOUT", "stderr"),
  "blkio-weight": fc.integer({ min: 10, max: 1000 }).map(String),
  "blkio-weight-device": tuple(just("/dev/"), word, just(":500")),
  "cap-add": fc.constantFrom("ALL", "net_admin", "CAP_KILL"),
  "cap-drop": fc.constantFrom("ALL", "chown"),
  "cgroup-parent": path,
  cgroupns: fc.constantFrom("host", "private"),
  "cpu-period": count.map(String),
  "cpu-quota": fc.integer({ min: -1, max: 1e6 }).map(String),
  "cpu-shares": count.map(String),
  cpus: fc.integer({ min: 1, max: 4e9 }).map((nanos) => (nanos / 1e9).toFixed(9)),
  "cpuset-cpus": fc.constantFrom("0", "0-1,3"),
  "cpuset-mems": just("0"),
  device: fc.oneof(path, tuple(path, just(":"), path, fc.constantFrom("", ":r", ":wm"))),
  "device-cgroup-rule": fc.constantFrom("c 1:* rw", "a *:* rwm"),
  "device-read-bps": tuple(just("/dev/"), word, just(":3mb")),
  "device-read-iops": tuple(just("/dev/"), word, just(":7")),
  "device-write-bps": tuple(just("/dev/"), word, just(":1")),
  "device-write-iops": tuple(just("/dev/"), word, just(":9")),
  dns: fc.constantFrom("10.0.0.1", "fd00::1"),
  "dns-option": tuple(word, just(":1")),
  "dns-search": fc.constantFrom(".", "a.test"),
  domainname: word,
  entrypoint: text,
  env: fc.oneof(tuple(word, just("="), text), word),
  expose: fc.constantFrom("80", "53/udp", "1-3"),
  "group-add": word,
  "health-cmd": text.filter((each) => each !== ""),
  "health-interval": fc.integer({ min: 1, max: 1e7 }).map((ms) => `${ms}ms`),
  "health-on-failure": fc.constantFrom("none", "kill"),
  "health-retries": fc.nat(9).map(String),
  "health-timeout": just("1m30s"),
  hostname: word,
  ipc: fc.constantFrom("private", "host", "shareable", "none", "container:x"),
  isolation: just("default"),
  label: tuple(word, fc.constantFrom("", "="), text).filter((each) => !/[ \t]/.test(each.split("=")[0]!)),
  "log-driver": fc.constantFrom("json-file", "none"),
  memory: megabytes,
  "memory-reservation": megabytes,
  "memory-swap": fc.oneof(megabytes, just("-1")),
  "memory-swappiness": fc.integer({ min: -1, max: 100 }).map(String),
  mount: fc.oneof(
    tuple(just("type=bind,src="), path, just(",dst="), path, fc.constantFrom("", ",ro", ",ro,bind-recursive=writable")),
    tuple(just('type=tmpfs,"dst=/'), word, just(',x"'), fc.constantFrom("", ",tmpfs-size=1m", ",tmpfs-mode=1777,ro")),
    tuple(just("type=bind,src=./"), word, just(",dst="), path, just(",bind-propagation=rslave,consistency=cached")),
  ),
  network: fc.constantFrom("none", "host", "default"),
  "oom-score-adj": fc.integer({ min: -1000, max: 1000 }).map(String),
  pid: fc.constantFrom("host", "container:x"),
  "pids-limit": fc.integer({ min: -1, max: 99 }).map(String),
  runtime: fc.constantFrom("runc", "other"),
  "security-opt": fc.constantFrom(
    ...["no-new-privileges", "seccomp=unconfined", 'seccomp={ "defaultAction": "it\'s" }', "systempaths=unconfined"],
  ),
  publish: fc.constantFrom("80", "8080:80/udp", "127.0.0.1::81", "[::1]:8000-8001:80", "90-91:90-91", "80:80/sctp"),
  "shm-size": megabytes,
  "stop-signal": fc.constantFrom("USR1", "SIGINT", "9"),
  "stop-timeout": fc.integer({ min: -1, max: 99 }).map(String),
  sysctl: tuple(just("net."), word, just("="), text),
  tmpfs: tuple(path, fc.constantFrom("", ":size=1m,mode=0700")),
  ulimit: fc.constantFrom("nofile=1:2", "nofile=5", "core=-1"),
  user: tuple(word, fc.constantFrom("", ":0")),
  userns: just("host"),
  uts: just("host"),
  volume: tuple(fc.oneof(path, just("./here")), just(":"), path, fc.constantFrom("", ":ro", ":rslave")),
  workdir: path,
};
const SWITCHES = [
  "init",
  "interactive",
  "oom-kill-disable",
  "privileged",
  "publish-all",
  "read-only",
  "rm",
  "tty",
  "detach",
];

const flag = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...Object.keys(VALUES)).chain((name) =>
      VALUES[name]!.map((value) => [`--${name}`, value])
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...SWITCHES).map((name) => [`--${name}`]) },
  { weight: 1, arbitrary: fc.constantFrom("always", "on-failure:3", "no").map((policy) => ["--restart", policy]) },
);
const flags = fc.array(flag, { maxLength: 12 }).map((list) => list.flat());

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const image: fc.Arbitrary<ImageConfig> = fc.record({
  User: maybe(word),
  Env: maybe(fc.uniqueArray(tuple(word, just("="), text), { selector: (entry) => entry.split("=")[0], maxLength: 4 })),
  Entrypoint: maybe(fc.array(word, { minLength: 1, maxLength: 2 })),
  Cmd: maybe(fc.array(text, { minLength: 1, maxLength: 2 })),
  WorkingDir: maybe(path),
  Labels: maybe(fc.dictionary(word, text, { maxKeys: 2 })),
  ExposedPorts: maybe(just({ "80/tcp": {} })),
  StopSignal: maybe(fc.constantFrom("USR1", "QUIT")),
  Healthcheck: maybe(fc.record({ Test: just(["CMD", "true"]), Interval: just(30e9), Retries: just(2) })),
  Shell: maybe(just(["/bin/ash", "-c"])),
}).map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));

/** The caller has variables too, which must not reach a container that had them removed. */
const CLIENT = (name: string) => name.length === 1 ? "the caller's" : undefined;

async function requestOf(argv: readonly string[], env: (name: string) => string | undefined) {
  const { flags, args } = parseFlags({ ...RUN_FLAGS }, argv, { flagsFirst: true });
  const { detach } = flags;
  return await createRequest(flags as CreateFlagValues, args, { env, cwd: "/home/me", detached: detach === true });
}

/** Returns the inspect output of a container created by this request. */
function inspected({ HostConfig: host, ...own }: ContainerCreateRequest, base: ImageConfig): ContainerInspect {
  const content = { os: "linux", architecture: "amd64", config: base, rootfs: { type: "layers", diff_ids: [] } };
  const parsed = parseImageConfig(new TextEncoder().encode(JSON.stringify(content)), "config");
  const hostConfig = withHostDefaults({ ...host, Runtime: host?.Runtime || "runc" }, HOST);
  const config = mergeConfig(parsed, own, defaultHostname(hostConfig, ID));
  const record = { ...fakeContainer().record, imageName: own.Image ?? "", config, hostConfig };
  const container = new Container(ID, "web", 0, record, { status: "created", exitCode: 0, error: "" });
  return inspectContainer(container, { paths: PATHS, driver: "overlay2", execIds: [], network: NO_NETWORK });
}

/** Splits a command line into words, as a shell does. */
function stringsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === "'") {
      const end = line.indexOf("'", at + 1);
      word = (word ?? "") + line.slice(at + 1, end);
      at = end;
    } else if (char === "\\") word = (word ?? "") + line[++at];
    else if (char === " ") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  return word === undefined ? words : [...words, word];
}

/** Returns the arguments of `tsd run`, and the caller's environment after `env -u`. */
function taken(line: string) {
  const words = stringsOf(line);
  const at = words.indexOf("tsd");
  const unset = words.slice(0, at).filter((word) => word !== "env" && word !== "-u");
  assert.deepEqual(words.slice(at, at + 4), ["tsd", "run", "--name", "web"]);
  return { argv: words.slice(at + 2), env: (name: string) => unset.includes(name) ? undefined : CLIENT(name) };
}

/** Returns the settings to compare: all but those that depend on the client's invocation. */
function settingsOf({ Config, HostConfig: { ContainerIDFile: _file, ConsoleSize: _size, ...host } }: ContainerInspect) {
  return { Config, HostConfig: filledOut(host) };
}

/** Treats empty and absent values as equal. */
function filledOut(host: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isSet = (value: unknown) =>
    !(value === undefined || value === null || value === "" || value === 0 || value === false ||
      (typeof value === "object" && Object.keys(value).length === 0 && !Array.isArray(value)));
  return Object.fromEntries(Object.entries(host).filter(([, value]) => isSet(value)));
}

async function made(container: ContainerInspect, base: ImageConfig) {
  const id = container.Image;
  const engine = new FakeEngine(({ path }) => ({ json: path === "/info" ? INFO : { Id: id, Config: base } }));
  return await madeContainer(new Client(engine), container);
}

/** An arbitrary container: its inspect output, and its image. */
const anyContainer = fc.tuple(flags, image, fc.array(text, { maxLength: 3 }));

async function containerOf([argv, base, command]: [string[], ImageConfig, string[]]): Promise<ContainerInspect> {
  try {
    return inspected(await requestOf([...argv, "img", ...command], CLIENT), base);
  } catch (thrown) {
    // Conflicting flags or a missing command: there is no such container.
    fc.pre(!(thrown instanceof Error));
    throw thrown;
  }
}

Deno.test("inspect --as run: the command line creates an equal container", async () => {
  await fc.assert(
    fc.asyncProperty(anyContainer, async (given) => {
      const before = await containerOf(given);
      const { line, missing } = runLine(await made(before, given[1]));
      assert.deepEqual(missing, []);
      const { argv, env } = taken(line);
      assert.deepEqual(settingsOf(inspected(await requestOf(argv, env), given[1])), settingsOf(before), line);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("container clone: the request creates an equal container", async () => {
  const { flags: none } = parseFlags({ ...CREATE_FLAGS }, ["img"]);
  await fc.assert(
    fc.asyncProperty(anyContainer, async (given) => {
      const before = await containerOf(given);
      const request = cloneRequest(
        await made(before, given[1]),
        { ...none, env: [], label: [] } as never,
        () => undefined,
      );
      assert.deepEqual(settingsOf(inspected(request, given[1])), settingsOf(before));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("words are quoted so that a real shell restores them", async () => {
  const words = fc.sample(
    fc.string({ unit: fc.oneof(char, fc.constantFrom("!", "#", "&", ";", "(", "\t", "{", "[")) }),
    500,
  );
  const { stdout } = await runCommand("sh", ["-c", `printf '%s\\0' ${words.map(shellWord).join(" ")}`]);
  assert.deepEqual(stdout.split("\0").slice(0, -1), words);
  for (const each of words) assert.deepEqual(stringsOf(shellWord(each)), [each]);
});
