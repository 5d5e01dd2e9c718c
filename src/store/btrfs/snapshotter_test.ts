import { btrfsVolume, diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testSnapshotter } from "../testsuite/snapshotter_suite.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { BtrfsLayerStore } from "./layer_store.ts";
import { BtrfsSnapshotter } from "./snapshotter.ts";

testSnapshotter({
  name: "BtrfsSnapshotter",
  create(root) {
    const layers = new BtrfsLayerStore({ root });
    return { layers, snapshotter: new BtrfsSnapshotter({ root, layers }) };
  },
  leftovers: (root) => namesIn(`${root}/ingest`),
  dirs: { listTree, diffTrees, run: runCommand },
  createTestDir: btrfsVolume,
  options: requires("btrfs"),
});
