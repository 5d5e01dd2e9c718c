import { btrfsVolume, diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testLayerStore } from "../contract/layer_store_suite.ts";
import { namesIn } from "../layer_folders/workspace.ts";
import { BtrfsLayerStore } from "./layer_store.ts";

testLayerStore({
  name: "BtrfsLayerStore",
  create: (root) => new BtrfsLayerStore({ root }),
  leftovers: (root) => namesIn(`${root}/ingest`),
  folders: { listTree, diffTrees, run: runCommand },
  isReadOnly: true,
  place: btrfsVolume,
  options: requires("btrfs"),
});
