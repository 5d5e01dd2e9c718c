import { strict as assert } from "node:assert";
import { ALL, DANGLING, digest, PruneRig, STILL } from "./prune_fixture.ts";

/** `a` has a tag, `b` has none, `c` is used, `d` is just being pulled. */
function rigged(): PruneRig {
  const rig = new PruneRig();
  rig.addImage("a", [1, 2], "app:1");
  rig.addImage("b", [1, 3]);
  rig.addContainer("user", rig.addImage("c", [1, 4]), { status: "exited" }, [1, 4]);
  rig.leases.hold([rig.addImage("d", [1, 5])]);
  return rig;
}

Deno.test("without a tag, or all; never what a container stands on or somebody pulls", async () => {
  using rig = rigged();
  const found = async (selection = DANGLING, scene = rig.scene()) =>
    (await rig.imagePruner.find(selection, scene)).map(({ id, names, why, bytes }) => [id[7], names, why, bytes]);
  assert.deepEqual(await found(), [["b", [], "no tag points to it", 30]]);
  assert.deepEqual(await found(ALL), [
    ["a", ["app:1"], "no container uses it", 20],
    ["b", [], "no tag points to it", 30],
  ]);
  assert.deepEqual(await found(ALL, rig.scene([digest("a")])), [["b", [], "no tag points to it", 30]]);
  const scene = rig.scene();
  scene.going.add("user");
  scene.ledger.release(rig.containers[0].record.layers);
  assert.deepEqual((await found(ALL, scene)).map(([id, , , bytes]) => [id, bytes]), [["a", 20], ["b", 30], ["c", 40]]);
});

Deno.test("a layer counts with the last image that needs it", async () => {
  using rig = new PruneRig();
  for (const fill of ["a", "b"]) rig.addImage(fill, [1, 2]);
  assert.deepEqual((await rig.imagePruner.find(ALL, rig.scene())).map(({ bytes }) => bytes), [0, 30]);
});

Deno.test("filters see labels and birth; of a damaged image nothing is known, and it can go", async () => {
  using rig = new PruneRig();
  rig.addImage("a", [1]);
  rig.damaged = rig.addImage("b", [2]);
  const seen: unknown[] = [];
  const passes = (thing: unknown) => seen.push(thing) > 0;
  assert.equal((await rig.imagePruner.find({ all: false, passes }, rig.scene())).length, 2);
  assert.deepEqual(seen, [
    { createdMs: Date.UTC(2024, 0, 1), labels: { a: "b" } },
    { createdMs: undefined, labels: {} },
  ]);
});

Deno.test("a removal tells what went; what came into use or changed meanwhile stays", async () => {
  using rig = rigged();
  const { imagePruner } = rig;
  const [a, b, d] = ["a", "b", "d"].map(digest);
  assert.deepEqual(await imagePruner.remove({ id: b, names: [] }, STILL), { bytes: 40, images: [{ Deleted: b }] });
  assert.deepEqual(await imagePruner.remove({ id: b, names: [] }, STILL), { kept: "it has gone already" });
  assert.deepEqual(await imagePruner.remove({ id: a, names: [] }, STILL), { kept: "its names have changed" });
  assert.deepEqual(await imagePruner.remove({ id: d, names: [] }, STILL), {
    kept: "it is being pulled or used just now",
  });
  rig.beforeDiscard = () => void rig.addContainer("late", a, { status: "created" });
  assert.deepEqual(await imagePruner.remove({ id: a, names: ["app:1"] }, STILL), {
    kept: "container late-name uses it now",
  });
  assert.notEqual(rig.records.get(a), undefined);
});

Deno.test("an image that has just come gets two seconds to be used", async () => {
  using rig = rigged();
  const id = digest("b");
  rig.leases.arrived(id);
  const removal = rig.imagePruner.remove({ id, names: [] }, STILL);
  await rig.clock.pass(1999);
  assert.notEqual(rig.records.get(id), undefined);
  await rig.clock.pass(1);
  assert.deepEqual(await removal, { bytes: 40, images: [{ Deleted: id }] });
});
