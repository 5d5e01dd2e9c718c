import { btrfsVolume, diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testLayerStore } from "../testsuite/layer_store_suite.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { BtrfsLayerStore } from "./layer_store.ts";

testLayerStore({
  name: "BtrfsLayerStore",
  create: (root) => new BtrfsLayerStore({ root }),
  leftovers: (root) => namesIn(`${root}/ingest`),
  dirs: { listTree, diffTrees, run: runCommand },
  isReadOnly: true,
  createTestDir: btrfsVolume,
  options: requires("btrfs"),
});
