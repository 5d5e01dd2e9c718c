import { strict as assert } from "node:assert";
import { runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import { streamOf } from "../../io/mod.ts";
import { assertSurvivesPowerCut, layerForPowerCut, throughPowerCut } from "../testsuite/power_cut.ts";
import { ErofsLayerStore } from "./layer_store.ts";

Deno.test("a layer and a snapshot that were reported as stored survive a power cut", requires("root"), async () => {
  await assertSurvivesPowerCut(runCommand, (root) => new ErofsLayerStore({ root }));
});

Deno.test(
  "they survive on btrfs too, where syncing a file doesn't persist its directory",
  requires("btrfs"),
  async () => {
    await assertSurvivesPowerCut(runCommand, (root) => new ErofsLayerStore({ root }), "btrfs");
  },
);

/** Makes file syncs do nothing. */
function withoutSyncs(): Disposable {
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = () => Promise.resolve();
  return { [Symbol.dispose]: () => void (Deno.FsFile.prototype.sync = sync) };
}

Deno.test("the test above detects a missing sync", requires("root"), async () => {
  const { tar, diffId } = await layerForPowerCut();
  await throughPowerCut(runCommand, async (root) => {
    using _lazy = withoutSyncs();
    await new ErofsLayerStore({ root }).ingest(streamOf(tar), { diffId });
  }, async (root) => {
    await assert.rejects(
      new ErofsLayerStore({ root }).verify(diffId),
      (thrown) => isTsdError(thrown, "digest_mismatch", "not_found"),
    );
  });
});
