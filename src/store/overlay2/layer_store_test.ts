import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testLayerStore } from "../contract/layer_store_suite.ts";
import { Overlay2LayerStore } from "./layer_store.ts";
import { namesIn } from "../layer_folders/workspace.ts";

testLayerStore({
  name: "Overlay2LayerStore",
  create: (root) => new Overlay2LayerStore({ root }),
  leftovers: (root) => namesIn(`${root}/ingest`),
  folders: { listTree, diffTrees, run: runCommand },
  options: requires("root"),
});
