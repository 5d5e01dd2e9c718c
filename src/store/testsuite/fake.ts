/**
 * For tests only: in-memory layers and snapshots. They satisfy the same contract suites as the real drivers, but the
 * paths that they return don't exist.
 */
import { TsdError } from "../../errors.ts";
import { createSha256 } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { cancellable, cancelQuietly, concatenated, streamOf } from "../../io/mod.ts";
import { type ByteString, TarDecoder } from "../../tar/mod.ts";
import { LayerTree } from "../layer_tree.ts";
import type {
  Change,
  LayerDirectory,
  LayerExpectation,
  LayerInfo,
  LayerLimits,
  LayerStore,
  Mount,
  Snapshotter,
  Usage,
} from "../driver.ts";

interface StoredLayer {
  readonly info: LayerInfo;
  readonly tar: Uint8Array<ArrayBuffer>;
  readonly storedMs: number;
}

/** A layer store in memory that keeps whole tars. */
export class MemoryLayerStore implements LayerStore {
  readonly driver = "memory";
  readonly #layers: Map<Digest, StoredLayer>;

  /** @param shared another instance whose layers this one uses */
  constructor(shared?: MemoryLayerStore) {
    this.#layers = shared === undefined ? new Map() : shared.#layers;
  }

  info(diffId: Digest): Promise<LayerInfo | undefined> {
    return Promise.resolve(this.#layers.get(diffId)?.info);
  }

  waitForRemovals(): Promise<boolean> {
    return Promise.resolve(false);
  }

  committedAtMs(diffId: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#layers.get(diffId)?.storedMs);
  }

  async ingest(
    tar: ReadableStream<Uint8Array>,
    { diffId }: LayerExpectation,
    { signal, limits = { tarBytes: Infinity, entries: Infinity } }: { signal?: AbortSignal; limits?: LayerLimits } = {},
  ): Promise<LayerInfo> {
    const reader = cancellable(tar, signal).getReader();
    const hasher = await createSha256();
    const decoder = new TarDecoder();
    const tree = new LayerTree(limits);
    const chunks: Uint8Array[] = [];
    const isNew = !this.#layers.has(diffId);
    let tarBytes = 0;
    try {
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        tarBytes += step.value.length;
        hasher.update(step.value);
        chunks.push(step.value.slice());
        if (isNew) {
          decoder.feed(step.value);
          decode(decoder, tree, limits);
        }
        if (tarBytes > limits.tarBytes) throw tooLarge();
      }
      decoder.finish();
    } catch (thrown) {
      await cancelQuietly(reader, thrown);
      throw thrown;
    }
    checkDigest(diffId, hasher.digestHex());
    const { entries, contentBytes } = tree;
    const layer = this.#layers.get(diffId) ??
      { info: { diffId, tarBytes, contentBytes, entries }, tar: concatenated(chunks), storedMs: Date.now() };
    this.#layers.set(diffId, layer);
    return layer.info;
  }

  openTar(diffId: Digest): ReadableStream<Uint8Array> {
    const layer = this.#layers.get(diffId);
    return layer === undefined ? failing(missing(diffId)) : streamOf(layer.tar.slice());
  }

  openLowerDir(diffId: Digest): Promise<LayerDirectory> {
    const dir = { path: `/memory/${diffId}`, [Symbol.dispose]: () => {} };
    return this.#layers.has(diffId) ? Promise.resolve(dir) : Promise.reject(missing(diffId));
  }

  remove(diffId: Digest): Promise<void> {
    this.#layers.delete(diffId);
    return Promise.resolve();
  }

  list(): Promise<Digest[]> {
    return Promise.resolve([...this.#layers.keys()]);
  }

  async verify(diffId: Digest): Promise<void> {
    const hasher = await createSha256();
    for await (const chunk of this.openTar(diffId)) hasher.update(chunk);
    checkDigest(diffId, hasher.digestHex());
  }

  /** Flips a bit of a stored tar, as a failing disk could. */
  damage(diffId: Digest): void {
    const { tar } = this.#layers.get(diffId)!;
    tar[0] = tar[0]! ^ 1;
  }
}

function decode(decoder: TarDecoder, tree: LayerTree, limits: LayerLimits): void {
  for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
    if (item instanceof Uint8Array) continue;
    tree.add(item);
    if (item.dataOffset + item.storedBytes > limits.tarBytes || tree.contentBytes > limits.tarBytes) throw tooLarge();
  }
}

interface StoredSnapshot {
  readonly layers: readonly Digest[];
  isMounted: boolean;
  changes: readonly Change[];
}

/** A snapshotter that only records its snapshots. */
export class MemorySnapshotter implements Snapshotter {
  readonly #layers: Pick<LayerStore, "info">;
  readonly #snapshots = new Map<string, StoredSnapshot>();

  constructor(layers: Pick<LayerStore, "info">) {
    this.#layers = layers;
  }

  /** Ids of the snapshots that are mounted. */
  get mounted(): string[] {
    return [...this.#snapshots].filter(([, { isMounted }]) => isMounted).map(([id]) => id);
  }

  async prepare(layers: readonly Digest[], id: string): Promise<void> {
    checkId(id);
    for (const layer of layers) if (await this.#layers.info(layer) === undefined) throw missing(layer);
    if (this.#snapshots.has(id)) throw new TsdError("conflict", `There is a snapshot for ${id} already`);
    this.#snapshots.set(id, { layers, isMounted: false, changes: [] });
  }

  mount(id: string): Promise<Mount> {
    return this.#with(id, (snapshot) => {
      snapshot.isMounted = true;
      return { root: `/memory/${id}/merged` };
    });
  }

  unmount(id: string): Promise<void> {
    const snapshot = this.#snapshots.get(id);
    if (snapshot !== undefined) snapshot.isMounted = false;
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    this.#snapshots.delete(id);
    return Promise.resolve();
  }

  usage(id: string): Promise<Usage> {
    return this.#with(id, () => ({ bytes: 0, inodes: 0 }));
  }

  async *diff(id: string, assumed: ReadonlySet<ByteString> = new Set()): AsyncGenerator<Change> {
    const changes = await this.#with(id, (snapshot) => snapshot.changes);
    yield* changes.filter(({ path, kind }) => kind !== "added" || !assumed.has(path));
  }

  /** Sets what `diff` reports for a snapshot. */
  change(id: string, changes: readonly Change[]): Promise<void> {
    return this.#with(id, (snapshot) => void (snapshot.changes = changes));
  }

  list(): Promise<string[]> {
    return Promise.resolve([...this.#snapshots.keys()]);
  }

  isComplete(id: string): Promise<boolean> {
    return Promise.resolve(this.#snapshots.has(id));
  }

  #with<T>(id: string, use: (snapshot: StoredSnapshot) => T): Promise<T> {
    const snapshot = this.#snapshots.get(id);
    if (snapshot !== undefined) return Promise.resolve(use(snapshot));
    return Promise.reject(new TsdError("not_found", `There is no snapshot for ${id}`));
  }
}

function checkId(id: string): void {
  if (!/^[0-9a-f]{64}$/.test(id)) throw new TsdError("invalid_argument", `Invalid container id ${JSON.stringify(id)}`);
}

function checkDigest(diffId: Digest, hex: string): void {
  const found = digestOfHex(hex);
  if (found !== diffId) throw new TsdError("digest_mismatch", `Layer ${diffId} is damaged: its tar's is ${found}`);
}

function missing(diffId: Digest): TsdError {
  return new TsdError("not_found", `There is no layer ${diffId}`);
}

function tooLarge(): TsdError {
  return new TsdError("layer_too_large", "The layer has too many bytes");
}

function failing(error: TsdError): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(error) });
}
