import { strict as assert } from "node:assert";
import { runCommand } from "../../../tests/harness/mod.ts";
import { requires } from "../../../tests/requires.ts";
import { isTsdError } from "../../errors.ts";
import { streamOf } from "../../io/mod.ts";
import { assertSurvivesPowerCut, layerForPowerCut, throughPowerCut } from "../testsuite/power_cut.ts";
import { Overlay2LayerStore } from "./layer_store.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";

Deno.test("a layer and a snapshot that were reported as stored survive a power cut", requires("root"), async () => {
  await assertSurvivesPowerCut(runCommand, (root) => new Overlay2LayerStore({ root }));
});

Deno.test("the test above detects a missing sync", requires("root"), async () => {
  const { tar, diffId } = await layerForPowerCut();
  const calls: LayerCalls = { ...LAYER_CALLS, syncfs: () => {} };
  await throughPowerCut(runCommand, async (root) => {
    await new Overlay2LayerStore({ root, calls }).ingest(streamOf(tar), { diffId });
  }, async (root) => {
    await assert.rejects(
      new Overlay2LayerStore({ root }).verify(diffId),
      (thrown) => isTsdError(thrown, "digest_mismatch", "not_found"),
    );
  });
});
