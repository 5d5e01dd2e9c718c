import { isTsdError, TsdError } from "../../errors.ts";
import { createSha256, type Hasher } from "../../hash/mod.ts";
import { type Digest, digestOfHex, hexOf, isDigest } from "../../image/digest.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { cancellable, cancelQuietly, makeDirDurably, syncDir, throwIfCancelled } from "../../io/mod.ts";
import type { IngestOptions, LayerDirectory, LayerExpectation, LayerInfo, LayerLimits, LayerStore } from "../driver.ts";
import { DeferredRemoval } from "./deferred_removal.ts";
import { decodeInfo, encodeInfo } from "./layer_info.ts";
import { isNotEmptyError, isUnreadable, storageFailure, withStorageErrors } from "./storage_failure.ts";
import { CooperativeYield } from "./cooperative_yield.ts";
import { namesIn, REMOVED, StagingDir } from "./staging_dir.ts";

/** Limits if the caller gives none: far above real layers, low enough for the host to survive. */
export const DEFAULT_LAYER_LIMITS: LayerLimits = { tarBytes: 64 * 2 ** 30, entries: 2_000_000 };

/** Writes one layer's directory from its tar. The caller always disposes of it. */
export interface LayerWriter extends Disposable {
  readonly tarBytes: number;
  readonly contentBytes: number;
  readonly entries: number;
  /** Consumes the next part of the tar. @throws {TsdError} layer_invalid, layer_too_large; {SysError} */
  push(bytes: Uint8Array): void;
  /** Ends the tar and returns its SHA-256 in hex. @throws {TsdError} layer_invalid */
  end(): string;
  /** Completes the directory, adds `files` to it by name, and syncs all of it. */
  finish(files: Readonly<Record<string, Uint8Array>>): void | Promise<void>;
}

export interface LayerWriterOptions {
  /** An empty directory. */
  readonly dir: string;
  readonly diffId: Digest;
  readonly limits: LayerLimits;
  readonly hasher: Hasher;
}

/** How a driver stores a layer in its directory. */
export interface LayerFormat {
  readonly driver: string;
  fill(options: LayerWriterOptions): LayerWriter;
  /** Yields exactly the bytes of the tar. */
  readTar(dir: string): AsyncIterable<Uint8Array>;
  /** See `LayerStore.mountable`. */
  mountable(dir: string, diffId: Digest): Promise<LayerDirectory>;
  /** Verifies what else is stored; called after the tar was verified. @throws {TsdError} digest_mismatch */
  verify?(dir: string, diffId: Digest): Promise<void>;
  /** Releases the resources of a removed layer. */
  release?(diffId: Digest): void;
  /** Whether layers have so many files that they are deleted in the background. */
  readonly isClearedLater?: boolean;
}

export interface DirectoryLayerStoreOptions {
  /** The driver's directory below the data-root; created if it is missing. */
  readonly root: string;
  readonly format: LayerFormat;
  /** Creates the hasher for layers. */
  readonly createHasher?: (() => Promise<Hasher>) | undefined;
  /** Called when files of a removed layer can't be deleted. */
  readonly notCleared?: ((thrown: unknown) => void) | undefined;
}

/**
 * A layer store with one directory per layer: `layers/<hex>/` holds what the driver's {@link LayerFormat} writes, and
 * `info.json`. A layer is created under `ingest/`, synced, and renamed into place. The format's writer makes
 * synchronous calls: run ingests in a Worker.
 */
export class DirectoryLayerStore implements LayerStore {
  readonly driver: string;
  readonly #root: string;
  readonly #format: LayerFormat;
  readonly #createHasher: () => Promise<Hasher>;
  readonly #deferredRemoval: DeferredRemoval;

  constructor({ root, format, createHasher = createSha256, notCleared }: DirectoryLayerStoreOptions) {
    this.driver = format.driver;
    this.#root = root;
    this.#format = format;
    this.#createHasher = createHasher;
    this.#deferredRemoval = new DeferredRemoval(notCleared);
  }

  info(diffId: Digest): Promise<LayerInfo | undefined> {
    return withStorageErrors(`Cannot read about layer ${diffId}`, () => {
      const text = readIfExists(`${this.layerPath(diffId)}/info.json`);
      return text === undefined ? undefined : decodeInfo(text, diffId);
    });
  }

  async committedAtMs(diffId: Digest): Promise<number | undefined> {
    try {
      const { mtime } = await Deno.stat(`${this.layerPath(diffId)}/info.json`);
      return mtime?.getTime() ?? 0;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw storageFailure(`Cannot look at layer ${diffId}`, thrown);
    }
  }

  async ingest(
    tar: ReadableStream<Uint8Array>,
    expected: LayerExpectation,
    { signal, limits = DEFAULT_LAYER_LIMITS, createHasher = this.#createHasher }: IngestOptions = {},
  ): Promise<LayerInfo> {
    const source = cancellable(tar, signal);
    try {
      const present = await this.info(expected.diffId);
      if (present === undefined) return await this.#store(source, expected.diffId, limits, createHasher);
      await this.#check(source, expected.diffId, limits, createHasher);
      return present;
    } catch (thrown) {
      if (!source.locked) await cancelQuietly(source, thrown);
      throw thrown;
    }
  }

  openTar(diffId: Digest): ReadableStream<Uint8Array> {
    return ReadableStream.from(this.#tarOf(diffId));
  }

  async openLowerDir(diffId: Digest): Promise<LayerDirectory> {
    if (await this.info(diffId) === undefined) throw missing(diffId);
    const dir = this.layerPath(diffId);
    const opening = withStorageErrors(`Cannot open layer ${diffId}`, () => this.#format.mountable(dir, diffId));
    const [opened] = await Promise.allSettled([opening]);
    if (await this.info(diffId) !== undefined) {
      if (opened.status === "fulfilled") return opened.value;
      throw opened.reason;
    }
    // The layer was removed meanwhile, perhaps before it was opened: release it, since no later call would.
    if (opened.status === "fulfilled") opened.value[Symbol.dispose]();
    this.#format.release?.(diffId);
    throw missing(diffId);
  }

  async remove(diffId: Digest): Promise<void> {
    await withStorageErrors(`Cannot remove layer ${diffId}`, async () => {
      await using undo = new AsyncDisposableStack();
      const stagingDir = undo.use(await StagingDir.create(this.#root));
      try {
        await Deno.rename(this.layerPath(diffId), `${stagingDir.path}/${REMOVED}`);
      } catch (thrown) {
        if (thrown instanceof Deno.errors.NotFound) return;
        throw thrown;
      }
      this.#format.release?.(diffId);
      await syncDir(`${this.#root}/layers`);
      if (this.#format.isClearedLater) this.#deferredRemoval.add(undo.move());
    });
  }

  async waitForRemovals(): Promise<boolean> {
    return await withStorageErrors("Cannot remove the files of layers", () => this.#deferredRemoval.finished());
  }

  async list(): Promise<Digest[]> {
    const names = await withStorageErrors("Cannot list the layers", () => namesIn(`${this.#root}/layers`));
    return names.map((name) => `sha256:${name}`).filter(isDigest);
  }

  async verify(diffId: Digest, signal?: AbortSignal): Promise<void> {
    const hasher = await this.#createHasher();
    try {
      for await (const chunk of this.#tarOf(diffId)) {
        throwIfCancelled(signal);
        hasher.update(chunk);
      }
    } catch (thrown) {
      if (!isTsdError(thrown, "storage", "layer_invalid") || isUnreadable(thrown)) throw thrown;
      throw new TsdError("digest_mismatch", `Layer ${diffId} is damaged: ${thrown.message}`, { cause: thrown });
    }
    checkDigest(diffId, hasher.digestHex());
    await withStorageErrors(
      `Cannot check layer ${diffId}`,
      () => this.#format.verify?.(this.layerPath(diffId), diffId),
    );
  }

  protected layerPath(diffId: Digest): string {
    return `${this.#root}/layers/${hexOf(diffId)}`;
  }

  async *#tarOf(diffId: Digest): AsyncGenerator<Uint8Array> {
    if (await this.info(diffId) === undefined) throw missing(diffId);
    try {
      yield* this.#format.readTar(this.layerPath(diffId));
    } catch (thrown) {
      throw storageFailure(`Cannot read layer ${diffId}`, thrown);
    }
  }

  /** Verifies the tar of a layer that already exists. */
  async #check(
    source: ReadableStream<Uint8Array>,
    diffId: Digest,
    limits: LayerLimits,
    createHasher: () => Promise<Hasher>,
  ): Promise<void> {
    const hasher = await createHasher();
    let tarBytes = 0;
    await pump(source, (bytes) => {
      tarBytes += bytes.length;
      if (tarBytes > limits.tarBytes) {
        throw new TsdError("layer_too_large", `The layer has more than ${limits.tarBytes} bytes`);
      }
      hasher.update(bytes);
    });
    checkDigest(diffId, hasher.digestHex());
  }

  async #store(
    source: ReadableStream<Uint8Array>,
    diffId: Digest,
    limits: LayerLimits,
    createHasher: () => Promise<Hasher>,
  ): Promise<LayerInfo> {
    const message = `Cannot store layer ${diffId}`;
    await using stagingDir = await withStorageErrors(message, () => StagingDir.create(this.#root));
    const dir = `${stagingDir.path}/layer`;
    await withStorageErrors(message, () => Deno.mkdir(dir, { mode: 0o700 }));
    const hasher = await createHasher();
    const info = await this.#fill(source, dir, diffId, limits, hasher);
    await withStorageErrors(message, () => this.#commit(dir, diffId));
    return info;
  }

  /** Fills `dir` durably. */
  async #fill(
    source: ReadableStream<Uint8Array>,
    dir: string,
    diffId: Digest,
    limits: LayerLimits,
    hasher: Hasher,
  ): Promise<LayerInfo> {
    const message = `Cannot store layer ${diffId}`;
    using writer = await withStorageErrors(message, () => this.#format.fill({ dir, diffId, limits, hasher }));
    await pump(source, (bytes) => {
      try {
        writer.push(bytes);
      } catch (thrown) {
        throw storageFailure(message, thrown);
      }
    });
    checkDigest(diffId, writer.end());
    const { tarBytes, contentBytes, entries } = writer;
    const info: LayerInfo = { diffId, tarBytes, contentBytes, entries };
    await withStorageErrors(message, () => writer.finish({ "info.json": encodeInfo(info) }));
    return info;
  }

  /** Renames a complete, synced directory into place. */
  async #commit(dir: string, diffId: Digest): Promise<void> {
    const layers = `${this.#root}/layers`;
    await makeDirDurably(layers, 0o700);
    try {
      await Deno.rename(dir, this.layerPath(diffId));
    } catch (thrown) {
      if (!isNotEmptyError(thrown)) throw thrown;
      // Another ingest of the same layer was faster, or the existing directory lost its `info.json` and is useless.
      if (await this.info(diffId) !== undefined) return;
      await this.remove(diffId);
      await this.waitForRemovals();
      await Deno.rename(dir, this.layerPath(diffId));
    }
    await syncDir(layers);
  }
}

/** Reads a stream to its end and yields to the event loop now and then; cancels the stream if `push` throws. */
async function pump(source: ReadableStream<Uint8Array>, push: (bytes: Uint8Array) => void): Promise<void> {
  const reader = source.getReader();
  const cooperativeYield = new CooperativeYield();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      push(step.value);
      await cooperativeYield.yieldIfLong();
    }
  } catch (thrown) {
    await cancelQuietly(reader, thrown);
    throw thrown;
  } finally {
    reader.releaseLock();
  }
}

function checkDigest(diffId: Digest, hex: string): void {
  const found = digestOfHex(hex);
  if (found === diffId) return;
  throw new TsdError("digest_mismatch", `Layer ${diffId} is damaged: the digest of its tar is ${found}`);
}

function missing(diffId: Digest): TsdError {
  return new TsdError("not_found", `There is no layer ${diffId}`);
}
