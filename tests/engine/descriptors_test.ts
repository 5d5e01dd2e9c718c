/**
 * An engine that has no descriptors left: one clear error, containers keep running, and all works once it may open
 * files.
 */
import { strict as assert } from "node:assert";
import { type Engine, runCommand } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { holdingsOf, namesIn, runDetached, startSetup, stateOf, until, untilSettled } from "./setup.ts";

/** Allows an engine that many more descriptors, by limiting the number of a new one (RLIMIT_NOFILE). */
async function leave(engine: Engine, free: number): Promise<void> {
  const open = new Set((await namesIn(`/proc/${engine.pid}/fd`)).map(Number));
  let limit = 0;
  for (let left = free; left > 0 || open.has(limit);) if (!open.has(limit++)) left--;
  await setLimit(engine, String(limit));
}

async function setLimit({ pid }: Engine, soft: string): Promise<void> {
  const { code, stderr } = await runCommand("prlimit", [`--pid=${pid}`, `--nofile=${soft}:`]);
  if (code !== 0) throw new Error(`prlimit: ${stderr}`);
}

/** Returns a function that restores the original limit. */
async function freely(engine: Engine): Promise<() => Promise<void>> {
  const limits = await Deno.readTextFile(`/proc/${engine.pid}/limits`);
  const soft = /^Max open files +(\d+)/m.exec(limits)![1]!;
  return () => setLimit(engine, soft);
}

/** One line that names the cause. */
const TOO_MANY = /^(tsd|docker): [^\n]*too many open files[^\n]*\n(\nRun 'docker [^\n]*\n)?$/i;
/** Counts until SIGTERM. */
const COUNTS = 'trap "exit 3" TERM; i=0; while :; do echo $i; i=$((i + 1)); sleep 0.02; done';

Deno.test({
  name: "with more clients than descriptors, the engine accepts clients again when these have disconnected",
  ...requires("root", "runc"),
  fn: async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const allow = await freely(engine);
    const id = await runDetached(setup, COUNTS);
    await leave(engine, 20);
    {
      await using clients = new AsyncDisposableStack();
      for (let n = 0; n < 40; n++) clients.use(await Deno.connect({ transport: "unix", path: engine.socketPath }));
      await until("word of it", async () => (await engine.log()).includes("no connections are accepted"));
    }
    // The limit still allows no more than twenty.
    for (const client of ["tsd", "docker"] as const) {
      const { code, stdout } = await engine[client](["ps", "-q"]);
      assert.deepEqual([client, code, stdout], [client, 0, `${id.slice(0, 12)}\n`]);
    }
    await allow();
    const read = async () => (await engine.tsd(["logs", id])).stdout.trimEnd().split("\n");
    const before = (await read()).length;
    await until("more lines", async () => (await read()).length > before + 10);
    const lines = await read();
    assert.deepEqual(lines, lines.map((_, index) => String(index)), "no line is lost");
  },
});

Deno.test({
  name: "a run without descriptors is refused in one line or works, and leaves nothing behind",
  ...requires("root", "runc"),
  fn: async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const allow = await freely(engine);
    await engine.tsd(["run", "--rm", image, "true"]);
    const before = await holdingsOf(engine);
    const refused = { tsd: 0, docker: 0 };
    for (const free of [5, 8, 11, 14]) {
      for (const client of ["tsd", "docker"] as const) {
        await leave(engine, free);
        const { code, stderr } = await engine[client](["run", "-d", image, "sleep", "1000"]);
        await allow();
        if (code === 0) assert.equal(stderr, "");
        else {
          refused[client]++;
          assert.equal(code, 125);
          assert.match(stderr, TOO_MANY);
        }
        await engine.removeContainers();
      }
    }
    assert.ok(Math.min(refused.tsd, refused.docker) > 0, JSON.stringify(refused));
    assert.equal((await engine.tsd(["run", "--rm", image, "echo", "fine"])).stdout, "fine\n");
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "containers that exit while no file can be opened: every exit is recorded, and its consequences are deferred",
  ...requires("root", "runc"),
  fn: async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const allow = await freely(engine);
    await engine.tsd(["run", "--rm", image, "true"]);
    const before = await holdingsOf(engine);
    const [plain, removed, again] = await Promise.all(
      [[], ["--rm", "-v", "/data"], ["--restart", "always"]].map((flags) => runDetached(setup, COUNTS, flags)),
    );
    const pids = await Promise.all([plain!, removed!, again!].map(async (id) => (await stateOf(engine, id)).Pid));
    for (const id of [plain!, removed!, again!]) {
      await until("a first line", async () => (await engine.tsd(["logs", id])).stdout !== "");
    }
    const endsSeen = async () => (await engine.log()).match(/container exited/g)!.length;
    const seenBefore = await endsSeen();
    await leave(engine, 0);
    for (const pid of pids) Deno.kill(pid, "SIGTERM");
    await until("their ends", async () => await endsSeen() === seenBefore + pids.length);
    await allow();
    await until("one to run again", async () => (await stateOf(engine, again!)).Status === "running");
    const { Status: status, ExitCode: code } = await stateOf(engine, plain!);
    assert.deepEqual([status, code], ["exited", 3]);
    await until("one to be gone", async () => (await engine.api.get(`/containers/${removed}/json`)).status === 404);
    await until("its volume to be gone", async () => (await engine.tsd(["volume", "ls", "-q"])).stdout === "");
    await engine.removeContainers();
    await untilSettled(engine, before);
  },
});
