/**
 * @module
 * Ingests a layer from a registry into the layer store on one stream: download, size and digest check, decompression, then
 * the store, which checks the diffID. Nothing is buffered, and nothing becomes visible before every check has passed. Runs
 * in a Worker.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import type { Hasher } from "../../hash/mod.ts";
import { decompressed, inspected, throwIfCancelled, verified } from "../../io/mod.ts";
import type { LayerInfo, LayerLimits, LayerStore } from "../../store/driver.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import type { Descriptor } from "../../image/manifest.ts";
import { kindOf } from "../../image/media_types.ts";

/** The part of a blob that an interrupted download left, to which further bytes are appended; see `PartialBlobWriter`. */
export interface BlobPart {
  readonly heldBytes: number;
  read(): AsyncIterable<Uint8Array>;
  append(bytes: Uint8Array): void;
  restart(): void;
}

/** A layer to ingest from a registry. */
export interface LayerIngest {
  /** Opens the compressed blob; see `RegistryClient.openBlob`. */
  readonly openBlob: (
    descriptor: Descriptor,
    options: { signal?: AbortSignal; offset?: number },
  ) => Promise<{ readonly stream: ReadableStream<Uint8Array> }>;
  readonly store: Pick<LayerStore, "ingest">;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly signal?: AbortSignal;
  readonly limits?: LayerLimits;
  /** Creates the hashers for digest and diffID. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly part?: BlobPart | undefined;
  /** Receives the number of compressed bytes so far: at most ten times a second, and once at the end. */
  readonly onProgress?: (downloadedBytes: number) => void;
}

const PROGRESS_EVERY_MS = 100;

/** Errors that a damaged part, one that is not a prefix of the blob, can cause. */
const DAMAGED_PART_ERRORS = ["digest_mismatch", "size_mismatch", "layer_invalid", "layer_too_large"] as const;

/**
 * Ingests one layer. On error nothing but its part is left behind. A damaged part is discarded and downloaded again.
 * @throws {TsdError} layer_invalid (unknown type, damaged), layer_too_large, digest_mismatch, size_mismatch, storage,
 * storage_full, cancelled, and what `openBlob` throws
 */
export async function ingestLayer(job: LayerIngest): Promise<LayerInfo> {
  const { descriptor, signal } = job;
  const what = `layer ${descriptor.digest}`;
  if (kindOf(descriptor.mediaType) !== "layer") {
    throw new TsdError(
      "layer_invalid",
      `Cannot use ${what}: its media type ${JSON.stringify(descriptor.mediaType.slice(0, 200))} is not that of a layer`,
    );
  }
  throwIfCancelled(signal);
  if (job.part === undefined || job.part.heldBytes === 0) return await ingestOnce(job, what);
  try {
    return await ingestOnce(job, what);
  } catch (thrown) {
    if (!isTsdError(thrown, ...DAMAGED_PART_ERRORS)) throw thrown;
    job.part.restart();
    return await ingestOnce(job, what);
  }
}

/** A layer to ingest from a local archive. */
export interface ArchivedIngest {
  /** The layer as it is in the archive, compressed or not. The consumer takes ownership of the chunks. */
  readonly source: ReadableStream<Uint8Array>;
  /** Expected digest and size of the source, if known. */
  readonly blob?: Pick<Descriptor, "digest" | "sizeBytes"> | undefined;
  readonly store: Pick<LayerStore, "ingest">;
  readonly diffId: Digest;
  readonly signal?: AbortSignal;
  readonly limits?: LayerLimits;
  /** Creates the hashers for digest and diffID. */
  readonly createHasher?: () => Promise<Hasher>;
  /** Receives the number of bytes read from the source so far. */
  readonly onProgress?: (readBytes: number) => void;
}

/** Ingests a layer from an archive. @throws {TsdError} as `ingestLayer` */
export async function ingestArchived(job: ArchivedIngest): Promise<LayerInfo> {
  const { blob, diffId, store, signal, limits, createHasher } = job;
  const what = `layer ${blob?.digest ?? diffId}`;
  throwIfCancelled(signal);
  const source = withProgress(job.source, job.onProgress);
  const checked = blob === undefined
    ? source
    : verified(source, { sizeBytes: blob.sizeBytes, digestHex: hexOf(blob.digest), what, createHasher });
  const tar = decompressed(checked, { what, maxBytes: limits?.tarBytes, isFrugal: true });
  return await store.ingest(tar, { diffId }, { signal, limits, createHasher });
}

async function ingestOnce(job: LayerIngest, what: string): Promise<LayerInfo> {
  const { descriptor, diffId, signal, limits, createHasher } = job;
  const compressed = verified(withProgress(await blobOf(job), job.onProgress), {
    sizeBytes: descriptor.sizeBytes,
    digestHex: hexOf(descriptor.digest),
    what,
    createHasher,
  });
  const tar = decompressed(compressed, { what, maxBytes: limits?.tarBytes, isFrugal: true });
  return await job.store.ingest(tar, { diffId }, { signal, limits, createHasher });
}

/** Opens the compressed blob: first the bytes of the part, then the rest from the registry. */
async function blobOf({ openBlob, descriptor, signal, part }: LayerIngest): Promise<ReadableStream<Uint8Array>> {
  if (part !== undefined) return ReadableStream.from(continued(part, descriptor, openBlob, signal));
  return (await openBlob(descriptor, { signal })).stream;
}

/** Reads the part before it sends the request to the registry: the connection could time out meanwhile. */
async function* continued(
  part: BlobPart,
  descriptor: Descriptor,
  openBlob: LayerIngest["openBlob"],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const offset = part.heldBytes;
  yield* part.read();
  if (offset === descriptor.sizeBytes) return;
  const { stream } = await openBlob(descriptor, { signal, offset });
  for await (const bytes of stream) {
    part.append(bytes);
    yield bytes;
  }
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
