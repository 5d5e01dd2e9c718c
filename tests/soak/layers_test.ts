/** Layers with very many entries, and very many concurrent ingests. Takes minutes. */
import { strict as assert } from "node:assert";
import "../../src/sys/preopen_testing.ts";
import type { Digest } from "../../src/image/digest.ts";
import { Overlay2LayerStore } from "../../src/store/overlay2/mod.ts";
import { bigImage } from "../images/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { namesIn } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

const FILES = 100_000;
const AT_ONCE = 20;

async function withStore(use: (store: Overlay2LayerStore, root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "tsd-layers-", dir: "/var/tmp" });
  try {
    await use(new Overlay2LayerStore({ root }), root);
  } finally {
    await removeTree(root);
  }
}

const streamOf = (tar: AsyncIterable<Uint8Array>) => ReadableStream.from(tar) as ReadableStream<Uint8Array>;

Deno.test(
  `a layer of ${FILES} files: ingested, returned byte for byte, removed`,
  requires("root"),
  () =>
    withStore(async (store, root) => {
      const { layers: [layer] } = await bigImage({ layers: 1, bytesPerLayer: 100 * FILES, filesPerLayer: FILES });
      const diffId = layer!.diffId as Digest;
      const [ingest, verify, remove] = [new Times(), new Times(), new Times()];
      const info = await ingest.measure(() => store.ingest(streamOf(layer!.openTar()), { diffId }));
      assert.ok(info.entries > FILES);
      await verify.measure(() => store.verify(diffId));
      await remove.measure(() => store.remove(diffId));
      await store.waitForRemovals();
      assert.deepEqual([await store.list(), await namesIn(`${root}/ingest`)], [[], []]);
      print(`${info.entries} entries`, `ingest ${ingest}`, `verify ${verify}`, `remove ${remove}`);
    }),
);

Deno.test(
  `${AT_ONCE} concurrent ingests of one layer, with removals between them`,
  requires("root"),
  () =>
    withStore(async (store, root) => {
      const { layers: [layer] } = await bigImage({ layers: 1, bytesPerLayer: 1_000_000, filesPerLayer: 1000 });
      const diffId = layer!.diffId as Digest;
      const times = new Times();
      const one = () => times.measure(() => store.ingest(streamOf(layer!.openTar()), { diffId }));
      const infos = await Promise.all(Array.from({ length: AT_ONCE }, one));
      assert.equal(new Set(infos.map((info) => JSON.stringify(info))).size, 1);
      await store.verify(diffId);
      const mixed = Array.from({ length: AT_ONCE }, (_, n) => n % 4 === 3 ? store.remove(diffId) : one());
      await Promise.all(mixed);
      await one();
      await store.waitForRemovals();
      await store.verify(diffId);
      assert.deepEqual([await store.list(), await namesIn(`${root}/ingest`)], [[diffId], []]);
      print("ingests of one layer", times);
    }),
);
