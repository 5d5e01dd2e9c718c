import { strict as assert } from "node:assert";
import type { Log } from "../../log.ts";
import { SILENT_LOG } from "../../log.ts";
import { NetworkRestore, type NetworkRestoreDeps } from "./network_restore.ts";

/** Two bridges, of which a container uses one as long as `used` says so. @param failing steps that fail */
function bench(...failing: string[]) {
  const steps: string[] = [];
  const warnings: string[] = [];
  const bridges = new Set(["idle", "used"]);
  const made = { used: true };
  const step = (name: string, effect = () => {}) => {
    steps.push(name);
    if (failing.includes(name)) return Promise.reject(new Error("no"));
    effect();
    return Promise.resolve();
  };
  const end = (family: number) => ({ end: () => step(`forwarding ${family}`) });
  const present = () => {
    if (failing.includes("present")) throw new Error("no");
    return [...bridges].map((id) => ({ network: { id } }));
  };
  const state = {
    sandboxes: new Map([["gone", { ports: [] }], ["runs", { ports: [80] }]]),
    leases: { ofNetwork: ({ id }: { id: string }) => id === "used" && made.used ? [{}] : [] },
    bridges: {
      present,
      remove: ({ id }: { id: string }) => step(`remove ${id}`, () => void bridges.delete(id)),
    },
    rules: {
      reload: () => step("reload"),
      remove: () => step("rules"),
      [Symbol.dispose]: () => void steps.push("unwatch"),
    },
  };
  const deps = {
    log: { ...SILENT_LOG, warn: (what: string) => void warnings.push(what) } as Log,
    state,
    ports: { again: (id: string) => step(`again ${id}`), leave: () => step("ports") },
    names: { update: () => step("names"), leave: () => step("names leave") },
    namespaces: { sweep: () => step("sweep") },
    repair: { run: () => step("repair") },
    forwarding: { 4: end(4), 6: end(6) },
    stop: (id: string) => step(`stop ${id}`, () => void state.sandboxes.delete(id)),
  } as unknown as NetworkRestoreDeps;
  return Object.assign(made, { lifetime: new NetworkRestore(deps), steps, warnings });
}

Deno.test("the engine ends: what nobody uses goes, and the rules with the last bridge", async () => {
  const it = bench();
  await it.lifetime.leave();
  assert.deepEqual(it.steps.splice(0), ["ports", "names leave", "remove idle", "unwatch"]);
  it.used = false;
  await it.lifetime.leave();
  const last = ["ports", "names leave", "remove used", "rules", "forwarding 4", "forwarding 6", "unwatch"];
  assert.deepEqual([it.steps, it.warnings], [last, []]);
});

Deno.test("the engine ends: every step is tried, whatever became of the others", async () => {
  const it = bench("ports", "names leave", "rules", "forwarding 4");
  it.used = false;
  await it.lifetime.leave();
  assert.equal(it.steps.length, 8);
  assert.deepEqual(it.warnings, [
    "ports stay open",
    "names are still answered",
    "rules stay",
    "packets are still forwarded",
  ]);
  const blind = bench("present");
  await blind.lifetime.leave();
  assert.deepEqual([blind.steps, blind.warnings], [["ports", "names leave", "unwatch"], [
    "bridges stay",
    "rules stay",
  ]]);
});

Deno.test("the engine begins, also where something that was left can't go", async () => {
  const it = bench("stop gone", "sweep", "reload");
  await it.lifetime.restore(new Set(["runs"]));
  assert.deepEqual(it.steps, ["stop gone", "sweep", "repair", "again runs", "reload", "names"]);
  assert.equal(it.warnings.length, 3);
});
