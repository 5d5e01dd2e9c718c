import { diffTrees, listTree, runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { testLayerStore } from "../testsuite/layer_store_suite.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { ErofsLayerStore } from "./layer_store.ts";

for (const strategy of [undefined, "attached, by loop devices"] as const) {
  testLayerStore({
    name: `ErofsLayerStore, ${strategy ?? "best strategy"}`,
    create: (root) => new ErofsLayerStore({ root, strategy }),
    leftovers: (root) => namesIn(`${root}/ingest`),
    dirs: { listTree, diffTrees, run: runCommand },
    isReadOnly: true,
    outlivesRemoval: true,
    options: strategy === undefined ? requires("root") : requires("root", "loop"),
  });
}
