import { strict as assert } from "node:assert";
import { MemoryLayerStore, MemorySnapshotter } from "../../store/testsuite/fake.ts";
import { SharedSnapshots } from "./shared_snapshots.ts";

const ID = "a".repeat(64);

/** One snapshot, which is mounted or not, and whether a run is known that an earlier engine began. */
async function bench() {
  const memory = new MemorySnapshotter(new MemoryLayerStore());
  await memory.prepare([], ID);
  const known = { isRunning: false };
  const shared = new SharedSnapshots(memory, () => known.isRunning);
  return { memory, shared, known, isMounted: () => memory.mounted.includes(ID) };
}

Deno.test("a root that nobody runs in is mounted as long as somebody looks into it", async () => {
  const { shared, isMounted } = await bench();
  const [one, other] = await Promise.all([shared.hold(ID), shared.hold(ID)]);
  assert.equal(one.root, other.root);
  await one[Symbol.asyncDispose]();
  assert.equal(isMounted(), true);
  await other[Symbol.asyncDispose]();
  assert.equal(isMounted(), false);
});

Deno.test("a run that ends leaves its root to those who look into it, and the next run finds it", async () => {
  const { shared, isMounted } = await bench();
  const mount = await shared.mount(ID);
  const held = await shared.hold(ID);
  assert.equal(held.root, mount.root);
  await shared.unmount(ID);
  assert.equal(isMounted(), true);
  await shared.mount(ID);
  await held[Symbol.asyncDispose]();
  assert.equal(isMounted(), true, "the second run's");
  await shared.unmount(ID);
  assert.equal(isMounted(), false);
});

Deno.test("the root of a run that an earlier engine began stays", async () => {
  const { shared, known, memory, isMounted } = await bench();
  await memory.mount(ID);
  known.isRunning = true;
  await (await shared.hold(ID))[Symbol.asyncDispose]();
  assert.equal(isMounted(), true);
  known.isRunning = false;
  await shared.unmount(ID);
  assert.equal(isMounted(), false);
});

Deno.test("whoever comes while the last one leaves has a mount", async () => {
  const { shared, isMounted } = await bench();
  const first = await shared.hold(ID);
  const [, second] = await Promise.all([first[Symbol.asyncDispose](), shared.hold(ID)]);
  assert.equal(isMounted(), true);
  await second[Symbol.asyncDispose]();
  assert.equal(isMounted(), false);
});

Deno.test("what is removed is gone for those who look into it too; what isn't there can't be held", async () => {
  const { shared } = await bench();
  const held = await shared.hold(ID);
  await shared.remove(ID);
  assert.deepEqual(await shared.list(), []);
  await held[Symbol.asyncDispose]();
  await assert.rejects(shared.hold(ID), { code: "not_found" });
  await shared.prepare([], ID);
  assert.deepEqual(await shared.usage(ID), { bytes: 0, inodes: 0 });
  assert.deepEqual(await Array.fromAsync(shared.diff(ID)), []);
});
