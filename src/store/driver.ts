/**
 * @module
 * The ports that everything about layers hangs on. `LayerStore` keeps the content of one layer, `Snapshotter` joins
 * layers to a container's root file system. Drivers implement both; one contract suite tests them all. Layers are keyed
 * by diffID (OCI image-spec v1.1, config.md, "Layer DiffID"), never by the compressed digest.
 */
import type { Hasher } from "../hash/mod.ts";
import type { Digest } from "../image/digest.ts";
import type { ByteString } from "../tar/mod.ts";

/** What a layer must turn out to be; a mismatch means that nothing of it is kept. */
export interface LayerExpectation {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
}

/** Bounds that a hostile layer runs into. */
export interface LayerLimits {
  /** Most bytes of uncompressed tar. */
  readonly tarBytes: number;
  /** Most entries. */
  readonly entries: number;
}

export interface IngestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: LayerLimits | undefined;
  /** What this layer is hashed with; by default what the store hashes all with. */
  readonly createHasher?: (() => Promise<Hasher>) | undefined;
}

/** Facts about a committed layer. */
export interface LayerInfo {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
  /** Bytes of the files' content, as Docker's `Size` counts them. */
  readonly contentBytes: number;
  /** Number of entries in the tar. */
  readonly entries: number;
}

/** A layer that can be looked into. What is mounted over it stays when this is disposed of; its path may lead elsewhere. */
export interface LayerDirectory extends Disposable {
  /** Absolute; valid in this process. */
  readonly path: string;
}

/** Keeps layers. Safe to construct several times over one folder, in several Workers: the rename is the commit. */
export interface LayerStore {
  /** The driver's name, as `docker info` shows it. */
  readonly driver: string;
  /** The committed layer's facts, or undefined when it isn't there. */
  info(diffId: Digest): Promise<LayerInfo | undefined>;
  /** When a committed layer came, in Unix time, ms; undefined when it isn't there. */
  storedMs(diffId: Digest): Promise<number | undefined>;
  /**
   * Reads an uncompressed tar to its end and keeps it as a layer, durably (fsync before rename, fsync of the folder
   * after). A layer that is there already is drained, checked and kept. On any error nothing is left.
   * @throws {TsdError} digest_mismatch, layer_invalid, layer_too_large, storage, storage_full, cancelled
   */
  ingest(
    tar: ReadableStream<Uint8Array>,
    expected: LayerExpectation,
    options?: IngestOptions,
  ): Promise<LayerInfo>;
  /** The very bytes of the tar that was verified. @throws {TsdError} not_found, storage */
  openTar(diffId: Digest): ReadableStream<Uint8Array>;
  /** The layer as a folder that overlay can take as a lower directory; dispose of it. @throws {TsdError} not_found */
  mountable(diffId: Digest): Promise<LayerDirectory>;
  /**
   * Removes a layer; one that isn't there is no error. The caller knows that nobody uses it. It is gone, durably, when this
   * returns; its files may take longer.
   */
  remove(diffId: Digest): Promise<void>;
  /** Resolves when removed layers take no room any more; to whether anything had to be waited for. @throws {TsdError} storage */
  cleared(): Promise<boolean>;
  /** Every committed layer. */
  list(): Promise<Digest[]>;
  /** Reads the layer back and compares it with its diffID. @throws {TsdError} digest_mismatch, not_found, storage, cancelled */
  verify(diffId: Digest, signal?: AbortSignal): Promise<void>;
}

/** A store that tells how it keeps its layers here, in rows for `info`. */
export interface StatusReporter {
  /** @throws {TsdError} storage */
  describe(): Promise<readonly (readonly [name: string, value: string])[]>;
}

/** A store that keeps with its layers what can be made again from them. */
export interface Rebuildable {
  /** Makes it again, whatever is there. Long work: best done in a Worker. @throws {TsdError} not_found, layer_invalid, storage */
  remake(diffId: Digest): Promise<void>;
}

/** A store that has to put layers together before a container can stand on them. */
export interface ChainStorage {
  /**
   * Does that beforehand, durably; what is there already is used. Long work: best done in a Worker.
   * @param layers lowest first; all are there, and stay meanwhile
   * @throws {TsdError} storage, storage_full
   */
  stack(layers: readonly Digest[]): Promise<void>;
}

/** A prepared root file system. */
export interface Mount {
  /** Absolute path of the mounted root. */
  readonly root: string;
}

/** Bytes and inodes in a container's writable layer. */
export interface Usage {
  readonly bytes: number;
  readonly inodes: number;
}

/** What became of a path. */
export type ChangeKind = "modified" | "added" | "deleted";

/** One difference between a container's root and its image. */
export interface Change {
  /** From the root on, with a slash in front; a byte string. */
  readonly path: ByteString;
  readonly kind: ChangeKind;
}

/** Gives each container a writable view over layers. `id` is a container id (64 hex digits). */
export interface Snapshotter {
  /**
   * Makes the writable layer for `id` over `layers` (lowest first); it isn't mounted yet.
   * @throws {TsdError} conflict (there is one), not_found (a layer is missing), storage
   */
  prepare(layers: readonly Digest[], id: string): Promise<void>;
  /** Mounts the snapshot; mounting one that is mounted gives the same mount. @throws {TsdError} not_found, storage */
  mount(id: string): Promise<Mount>;
  /** Takes the mount away; one that isn't mounted is no error. Busy mounts are detached lazily. */
  unmount(id: string): Promise<void>;
  /** Unmounts and deletes the writable layer; one that isn't there is no error. */
  remove(id: string): Promise<void>;
  /** What the container wrote. @throws {TsdError} not_found */
  usage(id: string): Promise<Usage>;
  /**
   * What the container changed, while it may be changing more: parents before children, names in the order of their
   * bytes. A folder counts as changed when something in it has changed; the root is never named.
   * @param assumed paths that count as if they had been there before, whatever they are
   * @throws {TsdError} not_found, storage (both also while it is read)
   */
  diff(id: string, assumed?: ReadonlySet<ByteString>): AsyncIterable<Change>;
  /** Ids of all snapshots. */
  list(): Promise<string[]>;
  /** Whether the making of a snapshot came to its end; it didn't where the power went meanwhile. @throws {TsdError} storage */
  isWhole(id: string): Promise<boolean>;
  /** Finds out beforehand what the first mount needs to know. @throws {TsdError} storage */
  ready?(): Promise<void>;
}
