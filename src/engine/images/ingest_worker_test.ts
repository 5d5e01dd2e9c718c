import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { requires } from "../../../tests/requires.ts";
import { digestOfHex } from "../../image/digest.ts";
import { DOCKER_LAYER } from "../../image/media_types.ts";
import { NO_SETTINGS } from "../../image/registry/mod.ts";
import { type FakeRegistry, putBlob, startRegistry } from "../../image/registry/registry_testing.ts";
import { openLayerStore } from "../../store/drivers.ts";
import { removeDir } from "../../store/directory_driver/clearing.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, octal, rawBlock } from "../../tar/tar_testing.ts";
import { workerUrl } from "../../worker_entry.ts";
import { IngestPool } from "./ingest_pool.ts";

const NEVER = new AbortController().signal;
/** Large enough for a hashing helper. */
const LAYER_BYTES = 12 << 20;

/** An incompressible layer. */
async function layerIn(registry: FakeRegistry, seed: number) {
  const content = new Uint32Array(LAYER_BYTES / 4).map((_, i) => Math.imul(i ^ (i >>> 9), 0x2c1b3c6d + seed));
  const tar = concat(rawBlock({ name: "noise", size: octal(LAYER_BYTES) }), new Uint8Array(content.buffer), END_OF_TAR);
  const diffId = digestOfHex(createHash("sha256").update(tar).digest("hex"));
  return { diffId, descriptor: await putBlob(registry, gzipSync(tar, { level: 1 }), DOCKER_LAYER) };
}

Deno.test(
  "layers are ingested intact, one and several at a time, with and without a hashing helper",
  requires("root"),
  async () => {
    await using registry = startRegistry();
    const root = await Deno.makeTempDir({ prefix: "tsd-ingest-" });
    const layers = await Promise.all([1, 2, 3, 4].map((seed) => layerIn(registry, seed)));
    try {
      const storage = { driver: "overlay2", root } as const;
      using pool = new IngestPool(
        workerUrl("ingest"),
        { storage, registries: NO_SETTINGS, hashEngine: "wasm" },
        { maxWorkers: 2 },
      );
      const ingest = ({ diffId, descriptor }: typeof layers[number], signal = NEVER) =>
        pool.ingest({ repository: `${registry.host}/x`, descriptor, diffId }, { signal, onProgress: () => {} });
      const store = openLayerStore(storage);
      await ingest(layers[0]!);
      await Promise.all(layers.slice(1).map((layer) => ingest(layer)));
      for (const { diffId } of layers) await store.verify(diffId);
      await assert.rejects(ingest({ ...layers[0]!, diffId: digestOfHex("0".repeat(64)) }), { code: "digest_mismatch" });
      const left = new AbortController();
      const leaving = ingest({ ...layers[1]!, diffId: digestOfHex("1".repeat(64)) }, left.signal);
      left.abort();
      await assert.rejects(leaving, { code: "cancelled" });
      assert.equal((await store.list()).length, layers.length);
      await pool.verify(layers[0]!.diffId, NEVER);
      const stopped = new AbortController();
      const looking = pool.verify(layers[0]!.diffId, stopped.signal);
      stopped.abort();
      await assert.rejects(looking, { code: "cancelled" });
    } finally {
      await removeDir(root);
    }
  },
);
