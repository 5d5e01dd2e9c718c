import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin } from "../../plugins/mod.ts";
import { ALL, NEVER_ABORTED, PruneSetup } from "./prune_fixture.ts";
import type { PruneItem, PruneKind, Pruner, PruneResult } from "./prune_plan.ts";
import { PruneService } from "./prune_service.ts";

const item = (kind: PruneKind, id: string): PruneItem => ({
  kind,
  id,
  names: [id],
  labels: {},
  why: "unused",
  bytes: 7,
});

/** Finds the given ids unless spared, and removes them with the given results. */
class FakePruner implements Pruner {
  readonly removed: string[] = [];

  constructor(
    readonly kind: PruneKind,
    readonly ids: string[],
    readonly results: Record<string, PruneResult | TsdError> = {},
  ) {}

  find: Pruner["find"] = (_, { spared }) =>
    Promise.resolve(this.ids.filter((id) => !spared.has(id)).map((id) => item(this.kind, id)));

  remove: Pruner["remove"] = ({ id }) => {
    const result = this.results[id] ?? { bytes: 7 };
    if (result instanceof TsdError) return Promise.reject(result);
    this.removed.push(id);
    return Promise.resolve(result);
  };
}

function serviceOf(pruners: readonly Pruner[], plugins: readonly Plugin[] = []) {
  const reported: string[] = [];
  const setup = new PruneSetup();
  const service = new PruneService({
    pruners,
    layerUsers: setup.layerUsers,
    hooks: new HookBus(plugins, SILENT_LOG),
    events: {
      publish: ({ type, action, attributes }) => void reported.push(`${type} ${action} ${attributes.reclaimed}`),
    },
    log: SILENT_LOG,
  });
  return { service, reported, [Symbol.dispose]: () => setup[Symbol.dispose]() };
}

const KINDS: readonly PruneKind[] = ["image", "volume", "container"];

Deno.test("kinds are pruned in order, with one event each; those without a pruner have nothing", async () => {
  const [containers, images] = [new FakePruner("container", ["c"]), new FakePruner("image", ["i"])];
  using setup = serviceOf([images, containers]);
  const report = await setup.service.prune(KINDS, ALL, NEVER_ABORTED);
  assert.deepEqual(report.removed.map(({ id }) => id), ["c", "i"]);
  assert.equal(report.bytes, 14);
  assert.deepEqual(setup.reported, ["container prune 7", "volume prune 0", "image prune 7"]);
});

Deno.test("a failed removal does not prevent the others and is reported with its reason", async () => {
  const results = { used: { kept: "it is used" }, broken: new TsdError("storage", "the disk says no") };
  using setup = serviceOf([new FakePruner("image", ["used", "broken", "fine"], results)]);
  const { removed, kept } = await setup.service.prune(["image"], ALL, NEVER_ABORTED);
  assert.deepEqual(removed.map(({ id }) => id), ["fine"]);
  assert.deepEqual(kept.map(({ id, why, failed }) => [id, why, failed]), [
    ["used", "it is used", undefined],
    ["broken", "the disk says no", true],
  ]);
});

Deno.test("a plan changes nothing; exactly the items passed to remove() are removed", async () => {
  const pruner = new FakePruner("image", ["a", "b"]);
  using setup = serviceOf([pruner]);
  const { items } = await setup.service.plan(["image"], ALL);
  assert.deepEqual([items.map(({ id }) => id), pruner.removed], [["a", "b"], []]);
  await setup.service.remove(["image"], [items[1], item("container", "not asked for")], NEVER_ABORTED);
  assert.deepEqual(pruner.removed, ["b"]);
  assert.deepEqual(setup.reported, ["image prune 7"]);
});

Deno.test("plugins retain items in plans and removals, and can refuse the whole prune", async () => {
  const guard: Plugin = {
    ...{ name: "guard", apiVersion: 1 },
    hooks: { "prune.plan": ({ things }) => things.filter(({ id }) => id === "a").map(({ id }) => id) },
  };
  const pruner = new FakePruner("image", ["a", "b"]);
  using setup = serviceOf([pruner], [guard]);
  const plan = await setup.service.plan(["image"], ALL);
  assert.deepEqual([plan.items.map(({ id }) => id), plan.kept.map(({ why }) => why)], [
    ["b"],
    ["plugin guard keeps it"],
  ]);
  const { kept } = await setup.service.remove(["image"], [item("image", "a"), item("image", "b")], NEVER_ABORTED);
  assert.deepEqual([kept.map(({ id }) => id), pruner.removed], [["a"], ["b"]]);
  const never: Plugin = {
    name: "never",
    apiVersion: 1,
    hooks: { "prune.plan": () => Promise.reject(new Error("not on Fridays")) },
  };
  using refusing = serviceOf([pruner], [never]);
  await assert.rejects(refusing.service.prune(["image"], ALL, NEVER_ABORTED), { code: "permission_denied" });
  assert.deepEqual(pruner.removed, ["b"]);
});

Deno.test("a concurrent prune of the same kind is rejected with Docker's text; other kinds are allowed", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = new FakePruner("image", ["a"]);
  slow.remove = () => gate.promise.then(() => ({ bytes: 1 }));
  using setup = serviceOf([slow]);
  const first = setup.service.prune(["image"], ALL, NEVER_ABORTED);
  await assert.rejects(setup.service.prune(["image", "container"], ALL, NEVER_ABORTED), {
    code: "conflict",
    message: "a prune operation is already running",
  });
  await setup.service.prune(["container"], ALL, NEVER_ABORTED);
  gate.resolve();
  assert.equal((await first).bytes, 1);
  await setup.service.prune(["image"], ALL, NEVER_ABORTED);
});

Deno.test("a prune ends when its client disconnects", async () => {
  const leaving = new AbortController();
  const pruner = new FakePruner("image", ["a", "b"], { a: new TsdError("cancelled", "left") });
  using setup = serviceOf([pruner]);
  const report = setup.service.prune(["image"], ALL, leaving.signal);
  leaving.abort();
  assert.deepEqual((await report).removed, []);
  assert.deepEqual(pruner.removed, []);
});
