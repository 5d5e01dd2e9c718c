import { testLayerStore } from "./layer_store_suite.ts";
import { type SnapshotDriver, testSnapshotter } from "./snapshotter_suite.ts";
import { MemoryLayerStore, MemorySnapshotter } from "./fake.ts";

const shared = new Map<string, MemoryLayerStore>();

testLayerStore({
  name: "MemoryLayerStore",
  create(root) {
    const store = new MemoryLayerStore(shared.get(root));
    if (!shared.has(root)) shared.set(root, store);
    return store;
  },
  leftovers: () => Promise.resolve([]),
});

const drivers = new Map<string, SnapshotDriver>();

testSnapshotter({
  name: "MemorySnapshotter",
  create(root) {
    const driver = drivers.get(root) ?? newDriver();
    drivers.set(root, driver);
    return driver;
  },
  leftovers: () => Promise.resolve([]),
});

function newDriver(): SnapshotDriver {
  const layers = new MemoryLayerStore();
  return { layers, snapshotter: new MemorySnapshotter(layers) };
}
