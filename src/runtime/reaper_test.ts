import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { type ExitedChild, processes, SysError } from "../sys/mod.ts";
import { Reaper } from "./reaper.ts";

const child = (pid: number, exitCode: number): ExitedChild => ({
  pid,
  status: exitCode << 8,
  exitCode,
  signal: undefined,
});

/** Children that "end" when the test says so. */
function scripted() {
  const ended: ExitedChild[] = [];
  const loop = new Reaper({ waitpid: () => ended.shift() });
  return { ended, loop };
}

Deno.test("one signal may stand for many children", async () => {
  const { ended, loop } = scripted();
  const exits = [loop.spawned(10), loop.spawned(11)];
  ended.push(child(10, 1), child(11, 2));
  loop.reap();
  assert.deepEqual((await Promise.all(exits)).map(({ exitCode }) => exitCode), [1, 2]);
});

Deno.test("the exit of a process that nobody asked for yet is kept", async () => {
  const { ended, loop } = scripted();
  ended.push(child(10, 3));
  loop.reap();
  assert.equal((await loop.exit(10)).exitCode, 3);
});

Deno.test("a new process never gets the exit of an older one of its number", async () => {
  const { ended, loop } = scripted();
  ended.push(child(10, 3));
  loop.reap();
  const exit = loop.spawned(10);
  ended.push(child(10, 4));
  loop.reap();
  assert.equal((await exit).exitCode, 4);
});

Deno.test("having no children is no error, other failures are", () => {
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
  using loop = new Reaper(processes).start();
  // A signal listener alone keeps no event loop running.
  const alive = setInterval(() => {}, 1000);
  const run = (script: string) => {
    const stdio = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: 2 }));
    const pid = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", script], env: {}, stdio });
    return loop.spawned(pid).then(({ exitCode }) => exitCode);
  };
  assert.deepEqual(await Promise.all([run("exit 5"), run("kill -9 $$"), run("true")]), [5, 137, 0]);
  clearInterval(alive);
});
