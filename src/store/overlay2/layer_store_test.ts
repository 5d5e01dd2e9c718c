import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testLayerStore } from "../testsuite/layer_store_suite.ts";
import { Overlay2LayerStore } from "./layer_store.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";

testLayerStore({
  name: "Overlay2LayerStore",
  create: (root) => new Overlay2LayerStore({ root }),
  leftovers: (root) => namesIn(`${root}/ingest`),
  dirs: { listTree, diffTrees, run: runCommand },
  options: requires("root"),
});
