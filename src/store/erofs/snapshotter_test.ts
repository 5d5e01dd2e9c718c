/** Overlays over layers that are mounted in no mount table. */
import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testSnapshotter } from "../contract/snapshotter_suite.ts";
import { namesIn } from "../layer_folders/workspace.ts";
import { OverlaySnapshotter } from "../overlay/mod.ts";
import { ErofsLayerStore } from "./layer_store.ts";

testSnapshotter({
  name: "OverlaySnapshotter over EROFS",
  create(root) {
    const layers = new ErofsLayerStore({ root });
    return { layers, snapshotter: new OverlaySnapshotter({ root, layers, way: "fsconfig" }) };
  },
  leftovers: (root) => namesIn(`${root}/ingest`),
  folders: { listTree, diffTrees, run: runCommand },
  options: requires("root", "overlay"),
});
