/**
 * @module
 * `docker pull`: resolves the reference, ingests the missing layers (in parallel; concurrent pulls share them), then
 * records the image and its names in one transaction. The image is not visible before that.
 */
import type { ProgressMessage } from "../../api_types/mod.ts";
import { isTsdError } from "../../errors.ts";
import { type Digest, shortHex } from "../../image/digest.ts";
import {
  canonicalName,
  canonicalString,
  familiarName,
  familiarString,
  type Reference,
  withDefaultTag,
} from "../../image/reference.ts";
import type { Platform } from "../../image/platform.ts";
import type { RegistryClient, ResolvedImage, ResolvedLayer } from "../../image/registry/mod.ts";
import type { HookBus, ImageContext } from "../../plugins/mod.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { Recording } from "../../store/event_records.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { ChainStorage, LayerInfo, LayerStore } from "../../store/driver.ts";
import { humanSize } from "../../units.ts";
import { AsyncQueue } from "../../async/queue.ts";
import type { ImageEvents } from "../events/image_events.ts";
import { isResumable } from "./resumable.ts";
import type { IngestPool } from "./ingest_pool.ts";
import type { LayerLeases } from "./layer_leases.ts";
import { type PullOptions, type ResolvedPullOptions, resolveMirror } from "./mirror_resolution.ts";
import { ChainUnpacker } from "./chain_unpacker.ts";

/** Minimum interval between two progress messages of a layer, in ms. */
const PROGRESS_EVERY_MS = 100;

/** Docker's status for a layer that is already stored. */
const ALREADY_EXISTS = "Already exists";

/** Docker's statuses for steps that all complete at once when a layer is committed. */
const INGESTED = ["Verifying Checksum", "Download complete", "Pull complete"];

export interface PullerDeps {
  readonly registry: Pick<RegistryClient, "resolveManifest" | "listTags">;
  readonly records: ImageRecords;
  readonly blobs: Pick<BlobStore, "put">;
  readonly layers: Pick<LayerStore, "info"> & Partial<ChainStorage>;
  readonly leases: LayerLeases;
  readonly pool: Pick<IngestPool, "ingest">;
  readonly hooks: HookBus;
  readonly events: ImageEvents;
  /** Removes those of the layers that are unreferenced. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
  /** Removes the remains of incomplete pulls. Resolves to whether that freed space. */
  readonly makeRoom: () => Promise<boolean>;
}

type Report = (message: ProgressMessage) => void;

/** A stored layer. `downloadedBytes` is 0 if it was already present. */
interface FetchedLayer {
  readonly info: LayerInfo;
  readonly downloadedBytes: number;
}

/** Pulls images from registries. */
export class Puller {
  readonly #deps: PullerDeps;

  constructor(deps: PullerDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a pull and resolves to Docker's messages once the manifest is resolved, so that a wrong name is an error rather
   * than a stream. Without a platform the host's one is selected from an index, and a single manifest is accepted as is.
   * Closing the stream cancels the pull.
   * @throws {TsdError} registry_*, manifest_*, platform_unavailable, digest_mismatch, size_mismatch, cancelled, permission_denied
   */
  async pull(
    requested: Reference,
    platform: Platform | undefined,
    options: PullOptions,
  ): Promise<AsyncIterable<ProgressMessage>> {
    const reference = withDefaultTag(requested);
    const sourced = await resolveMirror(this.#deps.hooks, reference, options);
    const image = await this.#deps.registry.resolveManifest(sourced.source, platform, sourced);
    return this.#one(reference, image, sourced);
  }

  /**
   * Pulls all tags of a repository, one after the other. The first failure ends the pull.
   * @throws {TsdError} as `pull`, for the list of tags
   */
  async pullAll(
    requested: Reference,
    platform: Platform | undefined,
    options: PullOptions,
  ): Promise<AsyncIterable<ProgressMessage>> {
    const { source, ...rest } = await resolveMirror(this.#deps.hooks, requested, options);
    const tags = await this.#deps.registry.listTags(source, rest);
    return this.#all(tags.map((tag) => ({ ...requested, tag })), requested, platform, options);
  }

  async *#one(
    reference: Reference,
    image: ResolvedImage,
    options: ResolvedPullOptions,
  ): AsyncGenerator<ProgressMessage> {
    const fresh = yield* this.#stream(reference, image, options);
    yield statusOf(fresh, familiarString(reference));
  }

  async *#all(
    references: readonly Reference[],
    repository: Reference,
    platform: Platform | undefined,
    options: PullOptions,
  ): AsyncGenerator<ProgressMessage> {
    let fresh = false;
    for (const reference of references) {
      const sourced = await resolveMirror(this.#deps.hooks, reference, options);
      const image = await this.#deps.registry.resolveManifest(sourced.source, platform, sourced);
      fresh = (yield* this.#stream(reference, image, sourced)) || fresh;
    }
    yield statusOf(fresh, familiarName(repository));
  }

  /**
   * Yields all messages but the final status. Returns whether the name is new, or refers to another image than before.
   */
  async *#stream(
    reference: Reference,
    image: ResolvedImage,
    { signal, ...rest }: ResolvedPullOptions,
  ): AsyncGenerator<ProgressMessage, boolean> {
    const queue = new AsyncQueue<ProgressMessage>();
    const closed = new AbortController();
    const options = { ...rest, signal: AbortSignal.any([signal, closed.signal]) };
    const work = this.#work(reference, image, options, (message) => queue.push(message));
    work.then(() => queue.end(), (thrown) => queue.fail(thrown));
    try {
      yield* queue;
      return await work;
    } finally {
      closed.abort();
      // Cancelled layers remove their files before the caller learns that the pull has ended.
      await work.catch(() => undefined);
    }
  }

  async #work(
    reference: Reference,
    image: ResolvedImage,
    options: ResolvedPullOptions,
    report: Report,
  ): Promise<boolean> {
    const diffIds = image.layers.map(({ diffId }) => diffId);
    try {
      using _lease = this.#deps.leases.hold([image.configDigest, ...diffIds]);
      return await this.#fetchImage(reference, image, options, report);
    } catch (thrown) {
      // Layers that cannot be removed now are removed when their retention ends.
      if (!isResumable(thrown)) await Promise.allSettled([this.#deps.sweepLayers(diffIds)]);
      throw thrown;
    }
  }

  async #fetchImage(
    reference: Reference,
    image: ResolvedImage,
    options: ResolvedPullOptions,
    report: Report,
  ): Promise<boolean> {
    const { records, leases, hooks } = this.#deps;
    const label = reference.tag ?? reference.digest ?? "";
    report({ status: `Pulling from ${reference.path}`, id: label });
    const exists = records.get(image.configDigest) !== undefined;
    const before = reference.digest === undefined
      ? records.byTag(canonicalString(reference))
      : records.byRepoDigest(canonicalName(reference), reference.digest);
    // Docker reports no layers for an image that already exists.
    const reportLayers: Report = exists ? (message) => message.status === ALREADY_EXISTS || report(message) : report;
    const fetched = await this.#fetchLayers(image.layers, options, reportLayers);
    const infos = fetched.map(({ info }) => info);
    const context = () => contextOf(reference, options.source, image);
    await hooks.callSequential("image.verify", context);
    await leases.exclusively(image.configDigest, () => this.#record(reference, image, infos));
    leases.arrived(image.configDigest);
    const downloadedBytes = fetched.reduce((sum, { downloadedBytes }) => sum + downloadedBytes, 0);
    hooks.callParallel("image.pulled", () => ({ ...context(), downloadedBytes }));
    report({ status: `Digest: ${image.topDigest}` });
    return before !== image.configDigest;
  }

  /** Fetches all layers. The first failure cancels the others; all have stopped when this settles. */
  async #fetchLayers(
    layers: readonly ResolvedLayer[],
    { signal, ...rest }: ResolvedPullOptions,
    report: Report,
  ): Promise<FetchedLayer[]> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const stack = new ChainUnpacker(this.#deps.layers, layers.map(({ diffId }) => diffId));
    const results = await Promise.allSettled(layers.map(async (layer) => {
      try {
        const fetched = await this.#fetchLayer(layer, { ...rest, signal: either }, report);
        if (!failed.signal.aborted) stack.arrived(layer.diffId);
        return fetched;
      } catch (thrown) {
        failed.abort();
        throw thrown;
      }
    }));
    const [stacked] = await Promise.allSettled([stack.finished()]);
    const failures = results.filter((result) => result.status === "rejected");
    const first = failures.find(({ reason }) => !isCancelled(reason)) ?? failures[0];
    if (first !== undefined) throw first.reason;
    if (stacked.status === "rejected") throw stacked.reason;
    return results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  }

  #fetchLayer(
    layer: ResolvedLayer,
    { credential, signal, source }: ResolvedPullOptions,
    report: Report,
  ): Promise<FetchedLayer> {
    const { layers, leases, pool, makeRoom } = this.#deps;
    const { descriptor, diffId } = layer;
    const id = shortHex(descriptor.digest);
    return leases.exclusively(diffId, async () => {
      const present = await layers.info(diffId);
      if (present !== undefined) {
        report({ status: ALREADY_EXISTS, progressDetail: {}, id });
        return { info: present, downloadedBytes: 0 };
      }
      report({ status: "Pulling fs layer", progressDetail: {}, id });
      const onProgress = progressOf(id, descriptor.sizeBytes, report);
      const repository = canonicalName(source);
      const onResumed = (heldBytes: number) =>
        report({ status: `Resuming at ${humanSize(heldBytes)}`, progressDetail: {}, id });
      const ingest = () =>
        pool.ingest({ repository, descriptor, diffId, credential }, { signal, onProgress, onResumed });
      const info = await ingest().catch(async (thrown) => {
        if (!isTsdError(thrown, "storage_full") || !await makeRoom()) throw thrown;
        return await ingest();
      });
      for (const status of INGESTED) report({ status, progressDetail: {}, id });
      return { info, downloadedBytes: descriptor.sizeBytes };
    }, signal);
  }

  async #record(reference: Reference, image: ResolvedImage, infos: readonly LayerInfo[]): Promise<void> {
    const { blobs, records, events } = this.#deps;
    await blobs.put(image.configDigest, image.configBytes);
    // If several manifests have the same config, the first one is kept.
    const manifestDigest = records.get(image.configDigest)?.manifestDigest ?? image.manifestDigest;
    if (manifestDigest === image.manifestDigest) await blobs.put(manifestDigest, image.manifestBytes);
    // Next to a digest the tag is only informative (docker pull alpine:3@sha256:…): nothing is tagged.
    const tag = reference.digest === undefined ? canonicalString(reference) : undefined;
    const record = {
      id: image.configDigest,
      manifestDigest,
      layers: image.layers.map(({ diffId }) => diffId),
      sizeBytes: infos.reduce((sum, { contentBytes }) => sum + contentBytes, 0),
      addedMs: Date.now(),
    };
    const repoDigest = { name: canonicalName(reference), digest: image.topDigest };
    const { labels } = image.config.config;
    const actor = { id: familiarString(reference), name: familiarName(reference), labels };
    const telling: Recording = (trace) => events.emit("pull", actor, trace);
    records.put(record, { ...(tag === undefined ? {} : { tag }), repoDigest }, telling);
  }
}

function statusOf(fresh: boolean, name: string): ProgressMessage {
  return { status: `Status: ${fresh ? "Downloaded newer image for" : "Image is up to date for"} ${name}` };
}

function contextOf(reference: Reference, source: Reference, image: ResolvedImage): ImageContext {
  return {
    reference: canonicalString(reference),
    source: canonicalString(source),
    id: image.configDigest,
    digest: image.topDigest,
    layers: image.layers.map(({ diffId }) => diffId),
    labels: image.config.config.labels ?? {},
  };
}

function progressOf(id: string, totalBytes: number, report: Report): (bytes: number) => void {
  let nextMs = 0;
  return (current) => {
    const now = Date.now();
    if (now < nextMs) return;
    nextMs = now + PROGRESS_EVERY_MS;
    report({ status: "Downloading", progressDetail: { current, total: totalBytes }, id });
  };
}

function isCancelled(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && "code" in reason && reason.code === "cancelled";
}
