/**
 * @module
 * `docker load`: spools and parses the whole archive, then ingests its layers like those of a pull, each once, then records
 * the images. They are not visible before that, and a failed load leaves nothing behind.
 */
import type { ProgressMessage } from "../../api_types/mod.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import { type HashEngine, sha256Hex } from "../../hash/mod.ts";
import { type ArchivedImage, type ArchivedLayer, plainManifest } from "../../image/archive/mod.ts";
import { type Digest, digestOfHex, shortHex } from "../../image/digest.ts";
import type { Platform } from "../../image/platform.ts";
import { familiarString, parseReference } from "../../image/reference.ts";
import type { HookBus, ImageContext } from "../../plugins/mod.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { ChainStorage, LayerInfo, LayerStore } from "../../store/driver.ts";
import type { CopyWorkers } from "../copy/workers.ts";
import { AsyncQueue } from "../../async/queue.ts";
import type { ImageEvents } from "../events/image_events.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "./image_archive_protocol.ts";
import type { IngestPool } from "./ingest_pool.ts";
import type { LayerLeases } from "./layer_leases.ts";

/** Minimum interval between two progress messages of a layer, in ms. */
const PROGRESS_EVERY_MS = 100;

export interface ImageLoaderDeps {
  readonly records: ImageRecords;
  readonly blobs: Pick<BlobStore, "put">;
  readonly layers: Pick<LayerStore, "info"> & Partial<ChainStorage>;
  readonly leases: LayerLeases;
  readonly pool: Pick<IngestPool, "ingest">;
  readonly workers: Pick<CopyWorkers<ImageArchiveJob, ImageArchiveInfo>, "begin">;
  readonly hashEngine: HashEngine;
  readonly hooks: HookBus;
  readonly events: ImageEvents;
  /** Creates a staging directory. One that a killed engine closed behind is removed at the next start. */
  readonly makeWorkspace: () => Promise<{ readonly path: string } & AsyncDisposable>;
  /** Removes those of the layers that are unreferenced. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
  /** Removes the remains of incomplete pulls. Resolves to whether that freed space. */
  readonly makeRoom: () => Promise<boolean>;
}

export interface LoadOptions {
  /** Loads only images for exactly this platform. */
  readonly platform?: Platform | undefined;
  /** Suppresses the progress messages of layers. */
  readonly isQuiet: boolean;
  readonly signal: AbortSignal;
}

type Report = (message: ProgressMessage) => void;

interface ReadyImage extends ArchivedImage {
  readonly manifest: { readonly digest: Digest; readonly bytes: Uint8Array };
  readonly sizeBytes: number;
}

/** Loads images from archives. */
export class ImageLoader {
  readonly #deps: ImageLoaderDeps;

  constructor(deps: ImageLoaderDeps) {
    this.#deps = deps;
  }

  /**
   * Loads all images of an archive and yields Docker's messages. Closing the stream cancels the load.
   * @throws {TsdError} archive_invalid, manifest_invalid, invalid_reference, platform_unavailable, image_not_found,
   * digest_mismatch, size_mismatch, layer_invalid, layer_too_large, storage_full, cancelled
   */
  async *load(source: AsyncIterable<Uint8Array>, options: LoadOptions): AsyncGenerator<ProgressMessage> {
    const queue = new AsyncQueue<ProgressMessage>();
    const closed = new AbortController();
    const signal = AbortSignal.any([options.signal, closed.signal]);
    const work = this.#work(source, { ...options, signal }, (message) => queue.push(message));
    work.then(() => queue.end(), (thrown) => queue.fail(thrown));
    try {
      yield* queue;
    } finally {
      closed.abort();
      // Clean up before the caller learns that the load has ended.
      await Promise.allSettled([work]);
    }
  }

  async #work(source: AsyncIterable<Uint8Array>, options: LoadOptions, say: Report): Promise<void> {
    const { leases, hooks, makeWorkspace, sweepLayers } = this.#deps;
    await using stagingDir = await makeWorkspace();
    const path = `${stagingDir.path}/archive.tar`;
    const images = await this.#open(source, path, options);
    const layers = distinct(images.flatMap((image) => image.layers));
    const diffIds = layers.map(({ diffId }) => diffId);
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => void await sweepLayers(diffIds));
    using _lease = leases.hold([...images.map(({ id }) => id), ...diffIds]);
    const infos = await this.#fetchLayers(layers, path, options, say);
    for (const { layers: own } of images) {
      if (own.length > 0) await this.#deps.layers.stack?.(own.map(({ diffId }) => diffId));
    }
    const ready = await Promise.all(images.map((image) => readyImage(image, infos)));
    for (const image of ready) await hooks.callSequential("image.verify", () => contextOf(image));
    for (const image of ready) await this.#record(image, say);
    undo.move();
  }

  /** Spools the archive to `path` and returns its images. */
  async #open(
    source: AsyncIterable<Uint8Array>,
    path: string,
    { platform, signal }: LoadOptions,
  ): Promise<readonly ArchivedImage[]> {
    const { workers, hashEngine } = this.#deps;
    const session = await workers.begin({ kind: "open", path, hashEngine, platform }, signal);
    await session.feed(source);
    return (await session.info()).images;
  }

  /** Ingests all layers. The first failure cancels the others; all have stopped when this settles. */
  async #fetchLayers(
    layers: readonly ArchivedLayer[],
    path: string,
    options: LoadOptions,
    say: Report,
  ): Promise<ReadonlyMap<Digest, LayerInfo>> {
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const results = await Promise.allSettled(layers.map(async (layer) => {
      try {
        return await this.#fetchLayer(layer, path, { ...options, signal }, say);
      } catch (thrown) {
        failed.abort();
        throw thrown;
      }
    }));
    const failures = results.filter((result) => result.status === "rejected");
    const first = failures.find(({ reason }) => !isTsdError(reason, "cancelled")) ?? failures[0];
    if (first !== undefined) throw first.reason;
    const infos = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    return new Map(infos.map((info) => [info.diffId, info]));
  }

  #fetchLayer(
    { diffId, place, blob }: ArchivedLayer,
    path: string,
    { signal, isQuiet }: LoadOptions,
    say: Report,
  ): Promise<LayerInfo> {
    const { layers, leases, pool, makeRoom } = this.#deps;
    return leases.exclusively(diffId, async () => {
      const present = await layers.info(diffId);
      if (present !== undefined) return present;
      if (place === undefined) {
        throw new TsdError("archive_invalid", `Cannot load the archive: layer ${diffId} is neither in it nor here`);
      }
      const onProgress = isQuiet ? () => {} : progressOf(shortHex(diffId), place.sizeBytes, say);
      const ingest = () => pool.ingest({ diffId, slice: { path, ...place }, blob }, { signal, onProgress });
      return await ingest().catch(async (thrown) => {
        if (!isTsdError(thrown, "storage_full") || !await makeRoom()) throw thrown;
        return await ingest();
      });
    }, signal);
  }

  async #record(image: ReadyImage, say: Report): Promise<void> {
    const { records, leases, hooks } = this.#deps;
    const { id, names } = image;
    const before = names.map((name) => records.byTag(name));
    await leases.exclusively(id, () => this.#put(image));
    leases.arrived(id);
    hooks.callParallel("image.loaded", () => contextOf(image));
    for (const [at, name] of names.entries()) {
      const shown = familiarString(parseReference(name));
      const old = before[at];
      if (old !== undefined && old !== id) {
        say({ stream: `The image ${shown} already exists, renaming the old one with ID ${old} to empty string\n` });
      }
      say({ stream: `Loaded image: ${shown}\n` });
    }
    if (names.length === 0) say({ stream: `Loaded image ID: ${id}\n` });
  }

  async #put({ id, configBytes, config, manifest, layers, names, sizeBytes }: ReadyImage): Promise<void> {
    const { blobs, records, events } = this.#deps;
    await blobs.put(id, configBytes);
    // If several manifests have the same config, the first one is kept.
    const manifestDigest = records.get(id)?.manifestDigest ?? manifest.digest;
    if (manifestDigest === manifest.digest) await blobs.put(manifestDigest, manifest.bytes);
    const record = { id, manifestDigest, layers: layers.map(({ diffId }) => diffId), sizeBytes, addedMs: Date.now() };
    const { labels } = config.config;
    records.put(record, { tags: names }, (trace) => events.emit("load", { id, name: id, labels }, trace));
  }
}

/** Deduplicates layers. An image may refer to a layer whose content is in the archive only under another image. */
function distinct(layers: readonly ArchivedLayer[]): ArchivedLayer[] {
  const byDiffId = new Map<Digest, ArchivedLayer>();
  for (const layer of layers) {
    if (byDiffId.get(layer.diffId)?.place === undefined) byDiffId.set(layer.diffId, layer);
  }
  return [...byDiffId.values()];
}

/** Completes an image. Without a manifest in the archive it gets the one that saving the image would write. */
async function readyImage(image: ArchivedImage, infos: ReadonlyMap<Digest, LayerInfo>): Promise<ReadyImage> {
  const layers = image.layers.map(({ diffId }) => infos.get(diffId)!);
  const bytes = image.manifest?.bytes ?? plainManifest({ ...image, layers });
  const digest = image.manifest?.digest ?? digestOfHex(await sha256Hex(bytes));
  const sizeBytes = layers.reduce((sum, { contentBytes }) => sum + contentBytes, 0);
  return { ...image, manifest: { digest, bytes }, sizeBytes };
}

function contextOf({ id, names, layers, manifest, config: { config: { labels } } }: ReadyImage): ImageContext {
  const diffIds = layers.map(({ diffId }) => diffId);
  return { reference: names[0] ?? id, source: "archive", id, digest: manifest.digest, layers: diffIds, labels };
}

function progressOf(id: string, total: number, say: Report): (bytes: number) => void {
  let nextMs = 0;
  return (current) => {
    const now = Date.now();
    if (now < nextMs && current < total) return;
    nextMs = now + PROGRESS_EVERY_MS;
    say({ status: "Loading layer", progressDetail: { current, total }, id });
  };
}
