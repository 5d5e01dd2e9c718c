import { isTsdError, TsdError } from "../../errors.ts";
import { createSha256, type Hasher } from "../../hash/mod.ts";
import { type Digest, digestOfHex, hexOf, isDigest } from "../../image/digest.ts";
import { cancellable, cancelQuietly, syncDir } from "../../io/mod.ts";
import type { LayerExpectation, LayerInfo, LayerLimits, LayerStore } from "../ports.ts";
import { Ingestion } from "./ingestion.ts";
import { decodeInfo, encodeInfo } from "../layer_folders/layer_info.ts";
import { attempting, isTaken, storageFailure } from "../layer_folders/storage_failure.ts";
import { rebuiltTar } from "./tar_rebuild.ts";
import { LAYER_CALLS, type LayerCalls } from "./tree_calls.ts";
import { Turn } from "../layer_folders/turn.ts";
import { namesIn, Workspace } from "../layer_folders/workspace.ts";

/** Bounds for layers of which the caller says nothing: far above real layers, low enough to survive. */
export const DEFAULT_LAYER_LIMITS: LayerLimits = { tarBytes: 64 * 2 ** 30, entries: 2_000_000 };

export interface Overlay2LayerStoreOptions {
  /** The driver's folder below the data-root; made when it is missing. */
  readonly root: string;
  /** What layers are hashed with. */
  readonly createHasher?: () => Promise<Hasher>;
  readonly calls?: LayerCalls;
}

/**
 * Layers unpacked into folders: `layers/<hex>/` holds `tree/` (the lower directory for overlay), `skeleton.gz` and
 * `shadow/` (what it takes to give the exact tar back, see `skeleton.ts`) and `info.json`. A layer is made under
 * `ingest/`, synced, and renamed into place. Unpacking uses synchronous calls: run it in a Worker.
 */
export class Overlay2LayerStore implements LayerStore {
  readonly driver = "overlay2";
  readonly #root: string;
  readonly #createHasher: () => Promise<Hasher>;
  readonly #calls: LayerCalls;

  constructor({ root, createHasher = createSha256, calls = LAYER_CALLS }: Overlay2LayerStoreOptions) {
    this.#root = root;
    this.#createHasher = createHasher;
    this.#calls = calls;
  }

  async info(diffId: Digest): Promise<LayerInfo | undefined> {
    try {
      return decodeInfo(await Deno.readTextFile(`${this.#layerPath(diffId)}/info.json`), diffId);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return undefined;
      throw storageFailure(`Cannot read about layer ${diffId}`, thrown);
    }
  }

  async ingest(
    tar: ReadableStream<Uint8Array>,
    expected: LayerExpectation,
    { signal, limits = DEFAULT_LAYER_LIMITS }: { signal?: AbortSignal; limits?: LayerLimits } = {},
  ): Promise<LayerInfo> {
    const source = cancellable(tar, signal);
    try {
      const present = await this.info(expected.diffId);
      if (present === undefined) return await this.#unpack(source, expected.diffId, limits);
      await this.#check(source, expected.diffId, limits);
      return present;
    } catch (thrown) {
      if (!source.locked) await cancelQuietly(source, thrown);
      throw thrown;
    }
  }

  openTar(diffId: Digest): ReadableStream<Uint8Array> {
    return ReadableStream.from(this.#tarOf(diffId));
  }

  async mountable(diffId: Digest): Promise<string> {
    if (await this.info(diffId) === undefined) throw missing(diffId);
    return `${this.#layerPath(diffId)}/tree`;
  }

  async remove(diffId: Digest): Promise<void> {
    await attempting(`Cannot remove layer ${diffId}`, async () => {
      await using workspace = await Workspace.create(this.#root);
      try {
        await Deno.rename(this.#layerPath(diffId), `${workspace.path}/layer`);
      } catch (thrown) {
        if (thrown instanceof Deno.errors.NotFound) return;
        throw thrown;
      }
      await syncDir(`${this.#root}/layers`);
    });
  }

  async list(): Promise<Digest[]> {
    const names = await attempting("Cannot list the layers", () => namesIn(`${this.#root}/layers`));
    return names.map((name) => `sha256:${name}`).filter(isDigest);
  }

  async verify(diffId: Digest): Promise<void> {
    const hasher = await this.#createHasher();
    try {
      for await (const chunk of this.#tarOf(diffId)) hasher.update(chunk);
    } catch (thrown) {
      if (!isTsdError(thrown, "storage", "layer_invalid")) throw thrown;
      throw new TsdError("digest_mismatch", `Layer ${diffId} is damaged: ${thrown.message}`, { cause: thrown });
    }
    checkDigest(diffId, hasher.digestHex());
  }

  #layerPath(diffId: Digest): string {
    return `${this.#root}/layers/${hexOf(diffId)}`;
  }

  async *#tarOf(diffId: Digest): AsyncGenerator<Uint8Array> {
    if (await this.info(diffId) === undefined) throw missing(diffId);
    try {
      yield* rebuiltTar(this.#layerPath(diffId), this.#calls);
    } catch (thrown) {
      throw storageFailure(`Cannot read layer ${diffId}`, thrown);
    }
  }

  /** Reads a tar of a layer that is there already. */
  async #check(source: ReadableStream<Uint8Array>, diffId: Digest, limits: LayerLimits): Promise<void> {
    const hasher = await this.#createHasher();
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

  async #unpack(source: ReadableStream<Uint8Array>, diffId: Digest, limits: LayerLimits): Promise<LayerInfo> {
    const attempt = `Cannot store layer ${diffId}`;
    await using workspace = await attempting(attempt, () => Workspace.create(this.#root));
    const folder = `${workspace.path}/layer`;
    await attempting(attempt, () => Deno.mkdir(folder, { mode: 0o700 }));
    const hasher = await this.#createHasher();
    const info = await this.#fill(source, folder, diffId, limits, hasher);
    await attempting(attempt, () => this.#commit(folder, diffId));
    return info;
  }

  /** Unpacks into `folder`, durably. */
  async #fill(
    source: ReadableStream<Uint8Array>,
    folder: string,
    diffId: Digest,
    limits: LayerLimits,
    hasher: Hasher,
  ): Promise<LayerInfo> {
    const attempt = `Cannot store layer ${diffId}`;
    const options = { folder, limits, hasher, calls: this.#calls };
    using ingestion = await attempting(attempt, () => new Ingestion(options));
    await pump(source, (bytes) => {
      try {
        ingestion.push(bytes);
      } catch (thrown) {
        throw storageFailure(attempt, thrown);
      }
    });
    checkDigest(diffId, ingestion.end());
    const { tarBytes, contentBytes, entries } = ingestion;
    const info: LayerInfo = { diffId, tarBytes, contentBytes, entries };
    await attempting(attempt, () => ingestion.finish({ "info.json": encodeInfo(info) }));
    return info;
  }

  /** Makes a finished, synced folder the layer. */
  async #commit(folder: string, diffId: Digest): Promise<void> {
    const layers = `${this.#root}/layers`;
    await Deno.mkdir(layers, { recursive: true, mode: 0o700 });
    try {
      await Deno.rename(folder, this.#layerPath(diffId));
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
      // Another ingest of the same layer was faster; or what is there lost its `info.json` and is of no use.
      if (await this.info(diffId) !== undefined) return;
      await this.remove(diffId);
      await Deno.rename(folder, this.#layerPath(diffId));
    }
    await syncDir(layers);
  }
}

/** Reads a stream to its end, with a turn for the event loop now and then; cancels it when `push` throws. */
async function pump(source: ReadableStream<Uint8Array>, push: (bytes: Uint8Array) => void): Promise<void> {
  const reader = source.getReader();
  const turn = new Turn();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      push(step.value);
      await turn.yieldIfLong();
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
