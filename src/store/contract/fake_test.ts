import { testLayerStore } from "./layer_store_suite.ts";
import { MemoryLayerStore } from "./fake.ts";

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
