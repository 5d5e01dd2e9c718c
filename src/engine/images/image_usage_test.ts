import { strict as assert } from "node:assert";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { LayerInfo } from "../../store/driver.ts";
import { ImageUsage } from "./image_usage.ts";
import { LayerSizes } from "./layer_sizes.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [BASE, ONE, TWO, EMPTY] = ["1", "2", "3", "4"].map(digest);
const SIZES = new Map<Digest, number>([[BASE, 100], [ONE, 10], [TWO, 20], [EMPTY, 0]]);

function usageOf(images: Readonly<Record<string, readonly Digest[]>>): ImageUsage {
  const info = (diffId: Digest) => {
    const contentBytes = SIZES.get(diffId);
    return Promise.resolve(
      contentBytes === undefined ? undefined : { diffId, contentBytes, tarBytes: 0, entries: 0 } satisfies LayerInfo,
    );
  };
  const records = Object.entries(images).map(([fill, layers]) => ({
    id: digest(fill),
    manifestDigest: digest(fill),
    layers,
    sizeBytes: layers.reduce((sum, layer) => sum + (SIZES.get(layer) ?? 0), 0),
    addedMs: 1,
  }));
  return new ImageUsage({ list: () => records }, new LayerSizes({ info }));
}

Deno.test("a shared layer counts once in the total, and as shared in each image", async () => {
  const { layersBytes, sharedBytes } = await usageOf({ a: [BASE, ONE], b: [BASE, TWO], c: [EMPTY] }).measure();
  assert.equal(layersBytes, 130);
  assert.deepEqual([...sharedBytes.values()], [100, 100, 0]);
});

Deno.test("a layer that occurs twice in one image counts once", async () => {
  const { layersBytes, sharedBytes } = await usageOf({ a: [ONE, ONE, TWO] }).measure();
  assert.equal(layersBytes, 30);
  assert.deepEqual([...sharedBytes.values()], [10], "its other mention frees nothing");
});

Deno.test("a removed layer has size 0; without images the usage is 0", async () => {
  assert.equal((await usageOf({ a: [digest("9")] }).measure()).layersBytes, 0);
  assert.deepEqual(await usageOf({}).measure(), { layersBytes: 0, sharedBytes: new Map() });
});
