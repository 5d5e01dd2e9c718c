import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { LineLog } from "../../log.ts";
import { processes } from "../../sys/mod.ts";
import { settleOrphanedRuntimes } from "./orphaned_runtimes.ts";

/** Without children, which would outlive it for a moment. */
const FOR_EVER = "while :; do :; done";

/** Something that looks like a call of the runtime, as soon as it does. */
async function call(stateRoot: string, script: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("sh", { args: ["-c", script, "runc", "--root", stateRoot, "create", "c1"] }).spawn();
  // A process has no command line for a moment while it becomes another program.
  while (!Deno.readTextFileSync(`/proc/${child.pid}/cmdline`).includes(stateRoot)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return child;
}

Deno.test("left runtimes: those of this engine are waited for, and killed when they take too long", async () => {
  const own = `/run/tsd-test-${Deno.pid}/runc`;
  const lines: string[] = [];
  const settle = async (children: readonly Deno.ChildProcess[], timeoutMs?: number) => {
    const deps = {
      processes,
      log: new LineLog((line) => lines.push(line)),
      // A shell's child has the shell's command line until it becomes another program.
      ended: async ({ pid }: { pid: number }) => void await children.find((child) => child.pid === pid)?.status,
    };
    await settleOrphanedRuntimes(own, timeoutMs === undefined ? deps : { ...deps, timeoutMs });
    return await Promise.all(children.map(async ({ status }) => (await status).signal));
  };
  assert.deepEqual(await settle([]), []);
  const other = await call(`${own}-other`, FOR_EVER);
  assert.deepEqual(await settle([await call(own, "sleep 0.2; exit 3"), await call(own, "sleep 0.1; :")]), [null, null]);
  assert.deepEqual(lines, []);
  assert.deepEqual(await settle([await call(own, FOR_EVER)], 100), ["SIGKILL"]);
  assert.match(lines.join(), /calls of the runtime that a former engine began don't end/);
  other.kill("SIGKILL");
  assert.equal((await other.status).signal, "SIGKILL");
});
