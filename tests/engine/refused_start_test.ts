/** An engine that fails to get its lock or its socket changes nothing else, also if another engine has networks. */
import { strict as assert } from "node:assert";
import { type Engine, executable, runCommand, Session, startEngine, tracesOf } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { Namespace } from "../network/private_namespace.ts";
import { requires } from "../requires.ts";
import { exists } from "./setup.ts";
import { traced } from "./traced_calls.ts";

/** A running engine with a bridge, in a network namespace, and a directory for an engine that is refused. */
interface Fixture extends AsyncDisposable {
  readonly engine: Engine;
  readonly namespace: Namespace;
  /** The refused engine's directory. */
  readonly directory: string;
}

async function setUp(): Promise<Fixture> {
  await using undo = new AsyncDisposableStack();
  const namespace = undo.use(await Namespace.make());
  // The engine enables forwarding, which affects every engine of the namespace.
  await namespace.setting("ipv4/ip_forward", "0");
  const engine = undo.use(await startEngine({ namespace: namespace.path }));
  const { code, stderr } = await engine.tsd(["network", "create", "one"]);
  assert.deepEqual([code, stderr], [0, ""]);
  undo.defer(async () => void await engine.tsd(["network", "rm", "one"]));
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-refused-" }));
  undo.defer(() => removeTree(directory));
  undo.defer(() => removeTree(tracesOf(`${directory}/data`).runDir));
  const kept = undo.move();
  return { engine, namespace, directory, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Returns each file below a directory with its type, size, and times of change. */
async function stateOf(directory: string): Promise<string> {
  const { stdout } = await runCommand("find", [directory, "-printf", "%p %y %s %T@ %C@\n"]);
  return stdout.split("\n").sort().join("\n");
}

/**
 * Starts an engine that must exit with one line, and returns the system calls by which it changed anything but the lock
 * and the socket's directory.
 */
async function refused(fixture: Fixture, dataRoot: string, host: string, expected: RegExp): Promise<string[]> {
  const trace = `${fixture.directory}/trace-${crypto.randomUUID()}`;
  const command = [executable(), "daemon", "--log-level", "debug", "--data-root", dataRoot, "-H", host];
  const inNamespace = ["nsenter", `--net=${fixture.namespace.path}`, "--"];
  const { code, stdout, stderr, touched } = await traced(command, trace, inNamespace);
  assert.match(stderr, expected);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  assert.deepEqual([code === 0, stdout], [false, ""]);
  const { runDir } = tracesOf(dataRoot);
  const isClaim = (call: string) =>
    call.includes(`"${runDir}/lock"`) || call.includes(`mkdir("${runDir}"`) ||
    // The data root is created to resolve its path, and removed again.
    call.startsWith(`mkdir("${dataRoot}",`) || call.startsWith(`rmdir("${dataRoot}")`);
  return touched.filter((call) => !isClaim(call));
}

/** Returns hosts that no engine can listen on, the error, and what the engine may change beside the lock. */
function hostsOf({ engine, directory }: Fixture): [host: string, expected: RegExp][] {
  return [
    [engine.host, /^tsd: Cannot listen on [^\n]+: another program answers there\n$/],
    [`unix://${directory}/file`, /^tsd: Cannot listen on [^\n]+: something else than a socket is there[^\n]+\n$/],
    [`unix://${directory}/missing/s`, /^tsd: Cannot listen on [^\n]+\/missing\/s: [^\n]+\n$/],
    ["unix:///sys/kernel/tsd.sock", /^tsd: Cannot listen on [^\n]+: [^\n]+\n$/],
    [`unix://${directory}/${"x".repeat(120)}`, /^tsd: Cannot listen on [^\n]+x: [^\n]+\n$/],
    ["tcp://127.0.0.1:1", /^tsd: Cannot listen on tcp:[^\n]+: only unix:\/\/ [^\n]+\n$/],
  ];
}

Deno.test("an engine without its socket changes nothing but its lock", requires("root", "ip", "strace"), async () => {
  await using fixture = await setUp();
  const { directory } = fixture;
  await Deno.writeTextFile(`${directory}/file`, "precious");
  const ownSocketCalls = (call: string) => call.startsWith("bind(") || /^unlink\("[^"]+[~+]"\)/.test(call);
  for (const [host, expected] of hostsOf(fixture)) {
    const touched = await refused(fixture, `${directory}/data`, host, expected);
    assert.deepEqual(touched.filter((call) => !ownSocketCalls(call)), [], host);
    assert.equal(await exists(`${directory}/data`), false, host);
  }
  assert.equal(await Deno.readTextFile(`${directory}/file`), "precious");
  assert.equal((await fixture.engine.tsd(["ps", "-q"])).code, 0);
});

Deno.test(
  "an existing data root stays unchanged, and so does its run directory",
  requires("root", "ip", "strace"),
  async () => {
    await using fixture = await setUp();
    await using former = await startEngine({ namespace: fixture.namespace.path });
    await former.stop();
    const { runDir } = tracesOf(former.dataRoot);
    const before = await stateOf(former.dataRoot) + await stateOf(runDir);
    await refused(fixture, former.dataRoot, fixture.engine.host, /: another program answers there\n$/);
    assert.equal(await stateOf(former.dataRoot) + await stateOf(runDir), before);
  },
);

Deno.test("an engine without its lock does not touch its socket", requires("root", "ip", "strace"), async () => {
  await using fixture = await setUp();
  const { engine, directory } = fixture;
  const touched = await refused(
    fixture,
    engine.dataRoot,
    `unix://${directory}/s`,
    /another one uses [^\n]+ already\n$/,
  );
  assert.deepEqual(touched, []);
  assert.equal(await exists(`${directory}/s`), false);
});

/** Writes a runtime that blocks in the engine's cleanup until the pipe is written to. */
async function writeSlowRuntime(directory: string, runDir: string): Promise<{ config: string; pipe: string }> {
  const [config, pipe, program] = [`${directory}/config.json`, `${directory}/pipe`, `${directory}/slow`];
  assert.equal((await runCommand("mkfifo", [pipe])).code, 0);
  await Deno.writeTextFile(program, `#!/bin/sh\nread -r _ < ${pipe}\n`, { mode: 0o755 });
  await Deno.writeTextFile(config, JSON.stringify({ runtimes: { slow: { path: program } } }));
  await Deno.mkdir(`${runDir}/runtime-slow/removed`, { recursive: true });
  return { config, pipe };
}

Deno.test(
  "a socket path that is taken during the start is reported in one line, and other engines' networks are unchanged",
  requires("root", "ip"),
  async () => {
    await using fixture = await setUp();
    const { directory, namespace } = fixture;
    const dataRoot = `${directory}/data`;
    const { runDir } = tracesOf(dataRoot);
    const { config, pipe } = await writeSlowRuntime(directory, runDir);
    const args = [`--net=${namespace.path}`, "--", executable(), "daemon", "--config", config, "--data-root", dataRoot];
    const ended = runCommand("nsenter", [...args, "-H", `unix://${directory}/s`]);
    {
      // Opening returns when the engine has reached its cleanup.
      using resume = await Deno.open(pipe, { write: true });
      using _other = Deno.listen({ transport: "unix", path: `${directory}/s` });
      await resume.write(new TextEncoder().encode("\n"));
      assert.deepEqual(await ended, {
        code: 1,
        stdout: "",
        stderr: `tsd: Cannot listen on ${directory}/s: another program answers there\n`,
      });
    }
    assert.equal(await exists(`${directory}/~`), false);
  },
);

Deno.test(
  "of two engines that start at one socket concurrently, one serves and the other is refused",
  requires("root"),
  async () => {
    const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-refused-" }));
    const roots = [`${directory}/a`, `${directory}/b`];
    const socket = `${directory}/s`;
    try {
      for (let round = 0; round < 4; round++) {
        const engines = roots.map((dataRoot) =>
          new Session(executable(), ["daemon", "--data-root", dataRoot, "-H", `unix://${socket}`])
        );
        for (const each of engines) await each.closeStdin();
        const ends = engines.map((each) => each.wait());
        const first = await Promise.race(ends.map((end, at) => end.then(() => at)));
        const { code, stderr } = await ends[first]!;
        assert.equal(code, 1);
        assert.match(stderr, /^tsd: Cannot listen on [^\n]+: another (engine is starting|program answers) there\n$/);
        const served = engines[1 - first]!;
        await served.waitFor("listening", "stderr");
        const listed = await runCommand(executable(), ["-H", `unix://${socket}`, "ps", "-q"], {
          env: { HOME: directory },
        });
        assert.deepEqual(listed, { code: 0, stdout: "", stderr: "" });
        served.kill("SIGTERM");
        assert.equal((await ends[1 - first]!).code, 0);
        assert.equal(await exists(socket), false);
      }
    } finally {
      for (const path of [...roots.map((root) => tracesOf(root).runDir), directory]) await removeTree(path);
    }
  },
);
