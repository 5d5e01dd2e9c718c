import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { Reaper } from "../../runtime/reaper.ts";
import { Epoll, files, pipes, processes } from "../../sys/mod.ts";
import "../../sys/preopen_testing.ts";
import { type PluginCommand, pluginCommand } from "./plugin_command.ts";
import { PluginExited, PluginProcess } from "./plugin_process.ts";
import { RunningPlugin } from "./running_plugin.ts";

/** Processes of plugins with this text, in a folder that goes. */
class Bench implements AsyncDisposable {
  readonly #dir = Deno.makeTempDirSync();
  readonly #epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
  readonly #exits = new Reaper(processes).start();
  readonly #started: PluginProcess[] = [];
  readonly log: string[] = [];
  readonly stored = new Map<string, unknown>();

  constructor() {
    void this.#epoll.run();
  }

  async start(source: string, permissions = {}, name = "plugin.ts"): Promise<PluginProcess> {
    const file = `${this.#dir}/${name}`;
    await Deno.writeTextFile(file, source);
    const environment = { PATH: "/bin", HOME: "/" };
    const cacheDir = `${this.#dir}/cache`;
    return await this.spawn(pluginCommand({ file, permissions, memoryMb: 32, cacheDir, environment }), file);
  }

  async spawn(command: PluginCommand, file: string): Promise<PluginProcess> {
    const process = new PluginProcess(
      command,
      {
        log: (level, message) => this.log.push(`${level} ${message}`),
        storage: ({ action, key, value }) => {
          if (action === "set") this.stored.set(key, value);
          if (action === "get") return Promise.resolve(this.stored.get(key));
          if (action === "delete") return Promise.reject(new Error("not this one"));
          return Promise.resolve(action === "list" ? [...this.stored.keys()] : undefined);
        },
        started: () => {},
      },
      { processes, pipes, files, epoll: this.#epoll, exits: this.#exits },
    );
    this.#started.push(process);
    await process.load(file, { level: 2 });
    return process;
  }

  get dir(): string {
    return this.#dir;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#started) {
      process[Symbol.dispose]();
      await process.ended;
    }
    this.#exits[Symbol.dispose]();
    await this.#epoll[Symbol.asyncDispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

const plugin = (hooks: string) => `export default { name: "p", apiVersion: 1, hooks: { ${hooks} } };`;
/** Nobody is that late. */
const NO_DEADLINE = new AbortController().signal;
const within = (ms: number) => AbortSignal.timeout(ms);

Deno.test("handlers get frozen contexts, settings, log and storage, and their answers come back", async () => {
  await using bench = new Bench();
  const process = await bench.start(plugin(`
    ask: async (context: { id: string }, { config, storage, log }: any) => {
      log.warn("asked about", context); console.log("config", config);
      await storage.set("seen", context.id);
      return { frozen: [context, config].every(Object.isFrozen), seen: await storage.get("seen"), all: await storage.list() };
    },
    refused: (_: unknown, { storage }: any) => storage.delete("x"),
    nothing: () => {},
    thrown: () => { throw new TypeError("no such thing"); },
    odd: () => 1n,
    long: () => "x".repeat(2 << 20),
  `));
  const answer = await process.call("ask", { id: "c1" }, NO_DEADLINE);
  assert.deepEqual(answer, { frozen: true, seen: "c1", all: ["seen"] });
  assert.deepEqual(bench.log, ['warn asked about { id: "c1" }', "info config { level: 2 }"]);
  assert.equal(await process.call("nothing", {}, NO_DEADLINE), undefined);
  await assert.rejects(process.call("refused", {}, NO_DEADLINE), /^Error: not this one$/);
  await assert.rejects(process.call("thrown", {}, NO_DEADLINE), /^Error: no such thing \(plugin\.ts:\d+:\d+\)$/);
  await assert.rejects(process.call("odd", {}, NO_DEADLINE), /BigInt/);
  await assert.rejects(process.call("long", {}, NO_DEADLINE), /1048576 are the most/);
  await assert.rejects(process.call("unknown", {}, NO_DEADLINE), /there is no handler for unknown/);
  assert.ok(process.isAlive);
});

Deno.test("the signal is aborted before the deadline, so that a handler can give up and its process stays", async () => {
  await using bench = new Bench();
  const process = await bench.start(plugin(`
    waits: (_: unknown, { signal }: any) =>
      new Promise((_, give) => signal.addEventListener("abort", () => give(new Error("gave up")))),
    same: (_: unknown, tools: any) => [tools.signal === tools.signal, tools.signal.aborted],
  `));
  await assert.rejects(process.call("waits", {}, NO_DEADLINE, { withinMs: 50 }), /gave up/);
  assert.deepEqual(await process.call("same", {}, NO_DEADLINE), [true, false]);
});

Deno.test("what it is told waits for more, and comes before what it is asked afterwards", async () => {
  await using bench = new Bench();
  const process = await bench.start(
    `const all: number[] = []; ${
      plugin("told: ({ n }: any) => { all.push(n); }, asked: () => all, hang: () => { for (;;); }")
    }`,
  );
  const isReported = { isReported: true };
  const reported = [1, 2].map((n) => process.call("told", Object.freeze({ n }), NO_DEADLINE, isReported));
  assert.deepEqual(await process.call("asked", {}, NO_DEADLINE), [1, 2]);
  await Promise.all(reported);
  await process.call("told", { n: 3 }, NO_DEADLINE, isReported);
  assert.deepEqual(await process.call("asked", {}, NO_DEADLINE), [1, 2, 3]);
  // What had not been written when it was killed fails as well.
  const late = process.call("hang", {}, within(1));
  const lost = process.call("told", { n: 4 }, NO_DEADLINE, isReported);
  await assert.rejects(late, PluginExited);
  await assert.rejects(lost, PluginExited);
});

Deno.test("one that is put away gets what waits for more, and answers that, before its process ends", async () => {
  await using bench = new Bench();
  const process = await bench.start(plugin("told: ({ n }: any, { log }: any) => log.info(n)"));
  const running = new RunningPlugin(() => Promise.resolve(process));
  const reported = [1, 2].map((n) => running.call("told", { n }, NO_DEADLINE, { isReported: true }));
  await running.retire();
  await Promise.all(reported);
  assert.deepEqual(bench.log, ["info 1", "info 2"]);
  assert.equal(process.isAlive, false);
});

Deno.test("a plugin may do what it was granted, and nothing else", async () => {
  await using bench = new Bench();
  await Deno.writeTextFile(`${bench.dir}/data`, "data");
  const look = plugin(`
    read: () => Deno.readTextFile("${bench.dir}/data"),
    passwd: () => Deno.readTextFile("/etc/passwd"),
    write: () => Deno.writeTextFile("${bench.dir}/out", "x"),
    run: () => new Deno.Command("/bin/true").output(),
    env: () => Deno.env.get("PATH"),
    net: () => Deno.connect({ hostname: "127.0.0.1", port: 9 }),
    dlopen: () => Deno.dlopen("libc.so.6", {}),
    ask: async () => (await Deno.permissions.request({ name: "read" })).state,
    other: () => import("${bench.dir}/other.ts"),
    fetched: () => import("https://example.invalid/x.ts"),
    worker: () => new Worker(new URL("data:text/javascript,Deno.readTextFileSync('/etc/passwd')"), { type: "module" }),
  `);
  await Deno.writeTextFile(`${bench.dir}/other.ts`, "export const x = 1;");
  const bare = await bench.start(look);
  for (const hook of ["read", "passwd", "write", "run", "env", "net", "dlopen", "other", "fetched"]) {
    await assert.rejects(bare.call(hook, {}, NO_DEADLINE), /access|permission|remote|NotCapable|specifier/i, hook);
  }
  assert.notEqual(await bare.call("ask", {}, NO_DEADLINE), "granted");
  const granted = await bench.start(look, { read: [`${bench.dir}/data`], write: [`${bench.dir}/out`], env: ["PATH"] });
  assert.equal(await granted.call("read", {}, NO_DEADLINE), "data");
  await granted.call("write", {}, NO_DEADLINE);
  assert.equal(await Deno.readTextFile(`${bench.dir}/out`), "x");
  assert.equal(await granted.call("env", {}, NO_DEADLINE), "/bin");
  await assert.rejects(granted.call("passwd", {}, NO_DEADLINE), /read access/);
});

Deno.test("one that hangs, eats memory, dies or talks nonsense is gone, and everybody who waits is told", async () => {
  await using bench = new Bench();
  const hang = await bench.start(plugin("hang: () => { for (;;); }"));
  const waiting = [hang.call("hang", {}, within(200)), hang.call("hang", {}, NO_DEADLINE)];
  for (const call of waiting) {
    await assert.rejects(
      call,
      (thrown) => thrown instanceof PluginExited && /took too long to answer hang/.test(thrown.message),
    );
  }
  assert.equal(hang.isAlive, false);
  await assert.rejects(hang.call("hang", {}, NO_DEADLINE), PluginExited);

  const greedy = await bench.start(
    plugin("eat: () => { const all = []; for (;;) all.push(new Array(1000).fill(all)); }"),
  );
  await assert.rejects(greedy.call("eat", {}, within(30_000)), /ended by signal \d+, as when its memory is used up/);

  const mortal = await bench.start(plugin("die: () => Deno.exit(3)"));
  await assert.rejects(mortal.call("die", {}, NO_DEADLINE), /ended by itself with exit code 3/);

  const babbling = await bench.start(
    plugin("babble: () => { Deno.stdout.writeSync(new TextEncoder().encode('hello there')); }"),
  );
  await assert.rejects(babbling.call("babble", {}, within(5000)), /it sent a message/);
});

Deno.test("a flood of messages ends it before it harms anybody", async () => {
  await using bench = new Bench();
  const flood = await bench.start(plugin("flood: () => { for (;;) console.log('x'.repeat(8000)); }"));
  await assert.rejects(flood.call("flood", {}, within(30_000)), /it sent more than can be read/);
});

Deno.test("storage calls that nobody takes the answers of are a flood; single bytes cost nothing", async () => {
  await using bench = new Bench();
  const greedy = await bench.start(
    plugin("greedy: (_: unknown, { storage }: any) => { for (;;) void storage.list(); }"),
  );
  await assert.rejects(greedy.call("greedy", {}, within(30_000)), /it sent more (storage calls|than can be read)/);
  const dribbling = await bench.start(plugin(`
    dribble: async () => {
      Deno.stdout.writeSync(new Uint8Array([0, 16, 0, 0]));
      for (let i = 0; i < 2000; i++) { Deno.stdout.writeSync(new Uint8Array([32])); await 0; }
      return new Promise(() => {});
    },`));
  const before = Deno.memoryUsage();
  await assert.rejects(dribbling.call("dribble", {}, within(1500)), PluginExited);
  assert.ok(Deno.memoryUsage().external - before.external < 20e6);
});

Deno.test("a file that is no plugin says why", async () => {
  await using bench = new Bench();
  const cases: [string, RegExp][] = [
    ["export const x = 1;", /no default export that is a plugin/],
    ["export default { name: 'p' };", /hooks are no object/],
    ["export default { hooks: { a: 1 } };", /handler for a is no function/],
    ["export default {", /./],
    ["throw new Error('at once');", /at once/],
    ["import './missing.ts'; export default { hooks: {} };", /missing|access/],
  ];
  for (const [source, reason] of cases) {
    await assert.rejects(bench.start(source, {}, `p${cases.length}${source.length}.ts`), reason, source);
  }
});

Deno.test("the compiled form's process is confined as well", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/plugin.ts`;
    await Deno.writeTextFile(`${dir}/data`, "data");
    await Deno.writeTextFile(
      file,
      plugin(`
        read: () => Deno.readTextFile("${dir}/data"), passwd: () => Deno.readTextFile("/etc/passwd"),
        write: () => Deno.writeTextFile("${dir}/out", "x"), env: () => Deno.env.get("HOME"), die: () => Deno.exit(4),
        run: () => new Deno.Command("/bin/true").output(),`),
    );
    const given = {
      file,
      permissions: { read: [`${dir}/data`] },
      memoryMb: 32,
      cacheDir: `${dir}/cache`,
      environment: {},
    };
    const { argv, env } = pluginCommand(given, "compiled");
    assert.deepEqual([argv[1], JSON.parse(argv[2]!)], ["plugin-host", { read: [file, `${dir}/data`] }]);
    // What deno compile would make of it.
    const flags = ["run", "-A", "--quiet", "--no-prompt", "--no-config", "--unstable-worker-options"];
    const entry = fileURLToPath(new URL("../../../mod.ts", import.meta.url));
    await using bench = new Bench();
    const process = await bench.spawn(
      { path: argv[0]!, argv: [argv[0]!, ...flags, entry, ...argv.slice(1)], env },
      file,
    );
    assert.equal(await process.call("read", {}, NO_DEADLINE), "data");
    for (const hook of ["passwd", "write", "env", "run"]) {
      await assert.rejects(process.call(hook, {}, NO_DEADLINE), /access/, hook);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
