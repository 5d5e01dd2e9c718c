import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { type ExitedChild, processes, SysError } from "../sys/mod.ts";
import { Reaper } from "./reaper.ts";

const child = (pid: number, exitCode: number): ExitedChild => ({
  pid,
  status: exitCode << 8,
  exitCode,
  signal: undefined,
});

/** A reaper whose children exit when the test adds them to `ended`. */
function scripted() {
  const ended: ExitedChild[] = [];
  const reaper = new Reaper({ waitpid: () => ended.shift() });
  return { ended, reaper };
}

Deno.test("one signal may report several children", async () => {
  const { ended, reaper } = scripted();
  const exits = [reaper.spawned(10), reaper.spawned(11)];
  ended.push(child(10, 1), child(11, 2));
  reaper.reap();
  assert.deepEqual((await Promise.all(exits)).map(({ exitCode }) => exitCode), [1, 2]);
});

Deno.test("an unclaimed exit is retained until it is requested", async () => {
  const { ended, reaper } = scripted();
  ended.push(child(10, 3));
  reaper.reap();
  assert.equal((await reaper.exit(10)).exitCode, 3);
});

Deno.test("a new process never gets the exit of an older one with the same pid", async () => {
  const { ended, reaper } = scripted();
  ended.push(child(10, 3));
  reaper.reap();
  const exit = reaper.spawned(10);
  ended.push(child(10, 4));
  reaper.reap();
  assert.equal((await exit).exitCode, 4);
});

Deno.test("ECHILD is ignored, other errors are thrown", () => {
  const failing = (errno: number) =>
    new Reaper({
      waitpid: () => {
        throw new SysError("waitpid", errno);
      },
    });
  failing(10 /* ECHILD */).reap();
  assert.throws(() => failing(22 /* EINVAL */).reap(), SysError);
});

Deno.test("real children: exit codes and signals", async () => {
  using reaper = new Reaper(processes).start();
  // A signal listener alone doesn't keep the event loop running.
  const alive = setInterval(() => {}, 1000);
  const run = (script: string) => {
    const stdio = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: 2 }));
    const pid = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", script], env: {}, stdio });
    return reaper.spawned(pid).then(({ exitCode }) => exitCode);
  };
  assert.deepEqual(await Promise.all([run("exit 5"), run("kill -9 $$"), run("true")]), [5, 137, 0]);
  clearInterval(alive);
});
