/**
 * @module
 * The way of a layer from a registry into the layer store, on one stream: download, size and digest, decompression, then
 * the store with its diffID. Nothing is buffered and nothing becomes visible before every check has passed. Works inside a
 * Worker.
 */
import { TsdError } from "../errors.ts";
import type { HashEngine } from "../hash/mod.ts";
import { decompressed, inspected, throwIfCancelled, verified } from "../io/mod.ts";
import type { LayerInfo, LayerLimits, LayerStore } from "../store/ports.ts";
import { type Digest, hexOf } from "./digest.ts";
import type { Descriptor } from "./manifest.ts";
import { kindOf } from "./media_types.ts";

/** One layer to bring in. */
export interface LayerIngest {
  /** Opens the compressed blob; see `RegistryClient.openBlob`. */
  readonly openBlob: (
    descriptor: Descriptor,
    options: { signal?: AbortSignal },
  ) => Promise<{ readonly stream: ReadableStream<Uint8Array> }>;
  readonly store: Pick<LayerStore, "ingest">;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly signal?: AbortSignal;
  readonly limits?: LayerLimits;
  readonly hashEngine?: HashEngine;
  /** Compressed bytes so far: at most ten times a second, and once when all are there. */
  readonly onProgress?: (downloadedBytes: number) => void;
}

const PROGRESS_EVERY_MS = 100;

/**
 * Brings one layer in; on any error nothing of it is left.
 * @throws {TsdError} layer_invalid (unknown type, damaged), layer_too_large, digest_mismatch, size_mismatch, storage,
 * storage_full, cancelled, and what `openBlob` throws
 */
export async function ingestLayer(job: LayerIngest): Promise<LayerInfo> {
  const { descriptor, diffId, signal, limits } = job;
  const what = `layer ${descriptor.digest}`;
  if (kindOf(descriptor.mediaType) !== "layer") {
    throw new TsdError(
      "layer_invalid",
      `Cannot use ${what}: its media type ${JSON.stringify(descriptor.mediaType.slice(0, 200))} is not that of a layer`,
    );
  }
  throwIfCancelled(signal);
  const { stream } = await job.openBlob(descriptor, { signal });
  const compressed = verified(withProgress(stream, job.onProgress), {
    sizeBytes: descriptor.sizeBytes,
    digestHex: hexOf(descriptor.digest),
    what,
    hashEngine: job.hashEngine,
  });
  const tar = decompressed(compressed, { what, maxBytes: limits?.tarBytes });
  return await job.store.ingest(tar, { diffId }, { signal, limits });
}

function withProgress(
  stream: ReadableStream<Uint8Array>,
  onProgress: ((downloadedBytes: number) => void) | undefined,
): ReadableStream<Uint8Array> {
  if (onProgress === undefined) return stream;
  let downloadedBytes = 0;
  let nextMs = 0;
  return inspected(stream, {
    chunk(bytes) {
      downloadedBytes += bytes.length;
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + PROGRESS_EVERY_MS;
      onProgress(downloadedBytes);
    },
    end: () => onProgress(downloadedBytes),
  });
}
