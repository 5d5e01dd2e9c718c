import { strict as assert } from "node:assert";
import "../sys/preopen.ts";
import { LineLog } from "../log.ts";
import { processes } from "../sys/mod.ts";
import { settleLeftRuntimes } from "./left_runtimes.ts";

/** Something that looks like a call of the runtime. */
function call(stateRoot: string, script: string) {
  return new Deno.Command("sh", { args: ["-c", script, "runc", "--root", stateRoot, "create", "c1"] }).spawn();
}

Deno.test("left runtimes: those of this engine are waited for, and killed when they take too long", async () => {
  const own = `/run/tsd-test-${Deno.pid}/runc`;
  const lines: string[] = [];
  const settle = async (children: readonly Deno.ChildProcess[], patienceMs?: number) => {
    const deps = {
      processes,
      log: new LineLog((line) => lines.push(line)),
      ended: async ({ pid }: { pid: number }) => void await children.find((child) => child.pid === pid)!.status,
    };
    await settleLeftRuntimes(own, patienceMs === undefined ? deps : { ...deps, patienceMs });
    return await Promise.all(children.map(async ({ status }) => (await status).signal));
  };
  assert.deepEqual(await settle([]), []);
  const other = call(`${own}-other`, "while :; do sleep 0.05; done");
  assert.deepEqual(await settle([call(own, "sleep 0.2; exit 3"), call(own, "sleep 0.1; :")]), [null, null]);
  assert.deepEqual(lines, []);
  assert.deepEqual(await settle([call(own, "while :; do sleep 0.05; done")], 100), ["SIGKILL"]);
  assert.match(lines.join(), /calls of the runtime that a former engine began don't end/);
  other.kill("SIGKILL");
  assert.equal((await other.status).signal, "SIGKILL");
});
