/** Runs the snapshotter suite with overlays over mounted layers. */
import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testSnapshotter } from "../testsuite/snapshotter_suite.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { OverlaySnapshotter } from "../overlay/mod.ts";
import { MOUNT_STRATEGIES } from "./layer_mounts.ts";
import { ErofsLayerStore } from "./layer_store.ts";

for (const strategy of MOUNT_STRATEGIES) {
  testSnapshotter({
    name: `OverlaySnapshotter over EROFS, ${strategy}`,
    create(root) {
      const layers = new ErofsLayerStore({ root, strategy });
      return { layers, snapshotter: new OverlaySnapshotter({ root, layers, api: "fsconfig" }) };
    },
    leftovers: (root) => namesIn(`${root}/ingest`),
    dirs: { listTree, diffTrees, run: runCommand },
    options: requires("root", "overlay", ...(strategy.includes("loop") ? ["loop" as const] : [])),
  });
}
