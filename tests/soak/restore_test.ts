/** An engine with many containers is killed, or re-executes itself. Takes about a minute. */
import { strict as assert } from "node:assert";
import { fdHoldersOf, runDetached, type Setup, startSetup, stateOf, until, untilHeld } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

const WRITERS = 20;
const TERMINALS = 3;
const KILLS = 5;
const COUNTING = "trap 'exit 4' TERM; i=0; while :; do echo line $i; i=$((i+1)); usleep 20000; done";
const SHELL = "trap 'exit 5' TERM; stty -echo; while read line; do echo you said $line; done";

async function writersOf(setup: Setup): Promise<string[]> {
  const names = Array.from({ length: WRITERS }, (_, n) => `w${n}`);
  for (const name of names) await runDetached(setup, COUNTING, ["--name", name]);
  return names;
}

async function terminalsOf(setup: Setup): Promise<string[]> {
  const names = Array.from({ length: TERMINALS }, (_, n) => `t${n}`);
  for (const name of names) await runDetached(setup, SHELL, ["--name", name, "-it"]);
  return names;
}

/** Sends a word to a terminal's process and waits for its answer. */
async function talk({ engine }: Setup, name: string, word: string): Promise<void> {
  using attached = await engine.api.hijack("POST", `/containers/${name}/attach?stream=1&stdin=1&stdout=1`);
  assert.equal(attached.status, 101);
  await attached.write(`${word}\n`);
  await until(`the answer of ${name}`, async () => {
    return (await engine.tsd(["logs", name])).stdout.includes(`you said ${word}\r\n`);
  });
}

async function restartsOf({ engine }: Setup, name: string): Promise<number> {
  return (await engine.api.get(`/containers/${name}/json`)).json<{ RestartCount: number }>().RestartCount;
}

/** Checks that the log has every line in order; the last lines of a killed engine may be duplicated. */
async function linesOf({ engine }: Setup, name: string): Promise<number> {
  const { stdout, stderr } = await engine.tsd(["logs", name]);
  assert.equal(stderr, "");
  const logged = stdout.trimEnd().split("\n");
  const lines = [...new Set(logged)];
  assert.deepEqual(lines, lines.map((_, n) => `line ${n}`), name);
  return lines.length;
}

for (const how of ["killed", "reloaded"] as const) {
  Deno.test(
    `${WRITERS} containers that write, ${TERMINALS} terminals, a pending restart: ${KILLS} times ${how}`,
    requires("root", "runc"),
    async () => {
      await using setup = await startSetup();
      const { engine } = setup;
      const writers = await writersOf(setup);
      const terminals = await terminalsOf(setup);
      await runDetached(setup, "sleep 1; exit 1", ["--name", "again", "--restart", "always"]);
      const all = [...writers, ...terminals];
      await untilHeld(engine, all.length + 1);
      const pids = await Promise.all(all.map(async (name) => (await stateOf(engine, name)).Pid));
      const times = new Times();
      for (let round = 0; round < KILLS; round++) {
        if (how === "killed") {
          await engine.stop("SIGKILL");
          await times.measure(() => engine.start());
        } else {
          const { code, stderr } = await times.measure(() => engine.tsd(["-H", engine.host, "daemon", "reload"]));
          assert.equal(code, 0, stderr);
        }
        assert.deepEqual(await Promise.all(all.map(async (name) => (await stateOf(engine, name)).Pid)), pids);
        for (const name of terminals) await talk(setup, name, `${how} ${round}`);
      }
      const restarts = await restartsOf(setup, "again");
      await until("one more restart", async () => await restartsOf(setup, "again") > restarts);
      print(`adopted, until the first answer (${how})`, times);
      const before = (await fdHoldersOf(engine)).length;
      await engine.stop("SIGKILL");
      // They exit while no engine runs.
      for (const [n, pid] of pids.entries()) if (n % 2 === 0) Deno.kill(pid, "SIGTERM");
      await engine.start();
      for (const [n, name] of all.entries()) {
        if (n % 2 === 1) continue;
        await until("its end", async () => (await stateOf(engine, name)).Status === "exited");
        const { ExitCode, Error: why } = await stateOf(engine, name);
        assert.deepEqual([ExitCode, why], [writers.includes(name) ? 4 : 5, ""], name);
      }
      let lines = 0;
      for (const name of writers) lines += await linesOf(setup, name);
      print("lines logged, none lost", lines, `${before} keepers`);
    },
  );
}
