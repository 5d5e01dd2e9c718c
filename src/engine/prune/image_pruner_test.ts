import { strict as assert } from "node:assert";
import { ALL, DANGLING, digest, NEVER_ABORTED, PruneSetup } from "./prune_fixture.ts";

/** `a` has a tag, `b` has none, `c` is used by a container, `d` is being pulled. */
function withImages(): PruneSetup {
  const setup = new PruneSetup();
  setup.addImage("a", [1, 2], "app:1");
  setup.addImage("b", [1, 3]);
  setup.addContainer("user", setup.addImage("c", [1, 4]), { status: "exited" }, [1, 4]);
  setup.leases.hold([setup.addImage("d", [1, 5])]);
  return setup;
}

Deno.test("untagged images or all are found, except those used by containers or running pulls", async () => {
  using setup = withImages();
  const found = async (selection = DANGLING, fixture = setup.fixture()) =>
    (await setup.imagePruner.find(selection, fixture)).map(({ id, names, why, bytes }) => [id[7], names, why, bytes]);
  assert.deepEqual(await found(), [["b", [], "no tag points to it", 30]]);
  assert.deepEqual(await found(ALL), [
    ["a", ["app:1"], "no container uses it", 20],
    ["b", [], "no tag points to it", 30],
  ]);
  assert.deepEqual(await found(ALL, setup.fixture([digest("a")])), [["b", [], "no tag points to it", 30]]);
  const fixture = setup.fixture();
  fixture.going.add("user");
  fixture.ledger.release(setup.containers[0].record.layers);
  assert.deepEqual((await found(ALL, fixture)).map(([id, , , bytes]) => [id, bytes]), [["a", 20], ["b", 30], [
    "c",
    40,
  ]]);
});

Deno.test("a shared layer counts for the last image that references it", async () => {
  using setup = new PruneSetup();
  for (const fill of ["a", "b"]) setup.addImage(fill, [1, 2]);
  assert.deepEqual((await setup.imagePruner.find(ALL, setup.fixture())).map(({ bytes }) => bytes), [0, 30]);
});

Deno.test("filters get labels and creation time; a damaged image has neither and can be pruned", async () => {
  using setup = new PruneSetup();
  setup.addImage("a", [1]);
  setup.damaged = setup.addImage("b", [2]);
  const filtered: unknown[] = [];
  const passes = (thing: unknown) => filtered.push(thing) > 0;
  assert.equal((await setup.imagePruner.find({ all: false, passes }, setup.fixture())).length, 2);
  assert.deepEqual(filtered, [
    { createdMs: Date.UTC(2024, 0, 1), labels: { a: "b" } },
    { createdMs: undefined, labels: {} },
  ]);
});

Deno.test("a removal returns what it removed; images used or changed since are kept", async () => {
  using setup = withImages();
  const { imagePruner } = setup;
  const [a, b, d] = ["a", "b", "d"].map(digest);
  assert.deepEqual(await imagePruner.remove({ id: b, names: [] }, NEVER_ABORTED), {
    bytes: 40,
    images: [{ Deleted: b }],
  });
  assert.deepEqual(await imagePruner.remove({ id: b, names: [] }, NEVER_ABORTED), { kept: "it has gone already" });
  assert.deepEqual(await imagePruner.remove({ id: a, names: [] }, NEVER_ABORTED), { kept: "its names have changed" });
  assert.deepEqual(await imagePruner.remove({ id: d, names: [] }, NEVER_ABORTED), {
    kept: "it is being pulled or used just now",
  });
  setup.beforeDiscard = () => void setup.addContainer("late", a, { status: "created" });
  assert.deepEqual(await imagePruner.remove({ id: a, names: ["app:1"] }, NEVER_ABORTED), {
    kept: "container late-name uses it now",
  });
  assert.notEqual(setup.records.get(a), undefined);
});

Deno.test("a newly added image has two seconds to be used", async () => {
  using setup = withImages();
  const id = digest("b");
  setup.leases.arrived(id);
  const removal = setup.imagePruner.remove({ id, names: [] }, NEVER_ABORTED);
  await setup.clock.advance(1999);
  assert.notEqual(setup.records.get(id), undefined);
  await setup.clock.advance(1);
  assert.deepEqual(await removal, { bytes: 40, images: [{ Deleted: id }] });
});
