/**
 * @module
 * The interfaces of a storage driver. A {@link LayerStore} keeps the content of image layers; a {@link Snapshotter}
 * builds a container's writable root file system over them. Drivers implement both, and one contract suite
 * (`testsuite/`) tests them all. Layers are keyed by diffID (OCI image-spec v1.1, config.md, "Layer DiffID"), never by
 * the compressed digest.
 */
import type { Hasher } from "../hash/mod.ts";
import type { Digest } from "../image/digest.ts";
import type { ByteString } from "../tar/mod.ts";

/** What a layer has to match. On a mismatch nothing of the layer is kept. */
export interface LayerExpectation {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
}

/** Limits that protect the host from malicious layers. */
export interface LayerLimits {
  /** Maximum size of the uncompressed tar, in bytes. */
  readonly tarBytes: number;
  /** Maximum number of tar entries. */
  readonly entries: number;
}

export interface IngestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: LayerLimits | undefined;
  /** Creates the SHA-256 hasher for this layer; defaults to the store's. */
  readonly createHasher?: (() => Promise<Hasher>) | undefined;
}

/** Sizes of a committed layer. */
export interface LayerInfo {
  readonly diffId: Digest;
  /** Size of the uncompressed tar, in bytes. */
  readonly tarBytes: number;
  /** Total size of the files' content, in bytes, as Docker's `Size` counts it. */
  readonly contentBytes: number;
  /** Number of entries in the tar. */
  readonly entries: number;
}

/**
 * A layer's directory, open for lookups and as a lower directory. Overlays that are mounted over it survive its
 * disposal; the path may refer to something else afterwards.
 */
export interface LayerDirectory extends Disposable {
  /** Absolute path; valid in this process only. */
  readonly path: string;
}

/**
 * Stores the content of image layers.
 *
 * A layer is the change set of one uncompressed tar, named by the tar's diffID. To ingest a layer is to read its tar,
 * verify it and write it to a staging directory. To commit it is to rename that directory into place; only committed
 * layers are visible to the other methods. A store does not count references: its caller knows which images and
 * containers use a layer.
 *
 * A typical use: a pull calls `info` for each diffID of the image's config and `ingest` for those that are missing. A
 * `Snapshotter` then calls `mountable` for each layer of a container, mounts its overlay, and disposes of the
 * `LayerDirectory`. An export reads `openTar`. Once no image or container uses a layer, the caller calls `remove`, and
 * `cleared` if it needs the disk space before it continues.
 *
 * Several instances, also in several Workers, may use the same directory: the rename is the commit.
 */
export interface LayerStore {
  /** The driver's name, as `docker info` shows it. */
  readonly driver: string;
  /** Returns the committed layer's sizes, or undefined if there is no such layer. */
  info(diffId: Digest): Promise<LayerInfo | undefined>;
  /** Returns when the layer was committed, in ms of Unix time, or undefined if there is no such layer. */
  committedAtMs(diffId: Digest): Promise<number | undefined>;
  /**
   * Reads an uncompressed tar to its end, verifies it and commits it durably as a layer (fsync before the rename, fsync
   * of the directory afterwards). The tar of a layer that already exists is still read to its end and verified. On any
   * error the stream is cancelled and nothing is left behind.
   * @throws {TsdError} digest_mismatch, layer_invalid, layer_too_large, storage, storage_full, cancelled
   */
  ingest(
    tar: ReadableStream<Uint8Array>,
    expected: LayerExpectation,
    options?: IngestOptions,
  ): Promise<LayerInfo>;
  /** Returns exactly the bytes of the verified tar. @throws {TsdError} not_found, storage */
  openTar(diffId: Digest): ReadableStream<Uint8Array>;
  /** Opens the layer as a lower directory for overlayfs; the caller disposes of it. @throws {TsdError} not_found */
  openLowerDir(diffId: Digest): Promise<LayerDirectory>;
  /**
   * Removes a layer; succeeds if there is no such layer. The caller ensures that nothing uses it. The removal is
   * durable when this resolves; deleting the layer's files may take longer (see {@link waitForRemovals}).
   */
  remove(diffId: Digest): Promise<void>;
  /**
   * Waits until the files of removed layers are deleted. Resolves to whether it had to wait.
   * @throws {TsdError} storage
   */
  waitForRemovals(): Promise<boolean>;
  /** Lists the committed layers. */
  list(): Promise<Digest[]>;
  /**
   * Reads the layer back and verifies it against its diffID.
   * @throws {TsdError} digest_mismatch, not_found, storage,
   * cancelled
   */
  verify(diffId: Digest, signal?: AbortSignal): Promise<void>;
}

/** A store that reports how it keeps its layers on this host. */
export interface StatusReporter {
  /** Returns rows for `info`. @throws {TsdError} storage */
  status(): Promise<readonly (readonly [name: string, value: string])[]>;
}

/** A store that keeps data derived from its layers, such as an index. */
export interface Rebuildable {
  /**
   * Rebuilds a layer's derived data, even if it exists. CPU-intensive: run it in a Worker.
   * @throws {TsdError}
   * not_found, layer_invalid, storage
   */
  remake(diffId: Digest): Promise<void>;
}

/** A store that has to combine layers before a container can use them. */
export interface ChainStorage {
  /**
   * Combines the layers durably, reusing what exists. CPU-intensive: run it in a Worker.
   * @param layers lowest first; all of them exist and stay for the duration of the call
   * @throws {TsdError} storage, storage_full
   */
  stack(layers: readonly Digest[]): Promise<void>;
}

/** A mounted root file system. */
export interface Mount {
  /** Absolute path of the root. */
  readonly root: string;
}

/** Disk usage of a container's writable layer. */
export interface Usage {
  readonly bytes: number;
  readonly inodes: number;
}

/** How a path differs from the image. */
export type ChangeKind = "modified" | "added" | "deleted";

/** A difference between a container's root and its image. */
export interface Change {
  /** Path from the root, with a leading slash; a byte string. */
  readonly path: ByteString;
  readonly kind: ChangeKind;
}

/**
 * Manages containers' root file systems.
 *
 * A snapshot is a writable view over the layers of an image, kept under the id of its container (64 hex digits). It is
 * complete once `prepare` has resolved; a power cut during `prepare` can leave an incomplete one (see `isWhole`). A
 * snapshot is mounted by `mount` and keeps what the container wrote until it is removed, mounted or not.
 *
 * The life of a snapshot: creating a container calls `prepare` with the image's layers. Each start calls `mount` and
 * uses the returned path as the root; each stop calls `unmount`. `usage` and `diff` (`docker ps --size`, `docker diff`)
 * work at any time in between. Removing the container calls `remove`. After a crash the engine compares `list` with its
 * containers, and removes snapshots without a container and those that aren't complete.
 */
export interface Snapshotter {
  /**
   * Creates the snapshot `id` over `layers` (lowest first), durably; it isn't mounted yet.
   * @throws {TsdError} conflict (the snapshot exists), not_found (a layer is missing), storage
   */
  prepare(layers: readonly Digest[], id: string): Promise<void>;
  /** Mounts the snapshot; returns the existing mount if it is already mounted. @throws {TsdError} not_found, storage */
  mount(id: string): Promise<Mount>;
  /** Unmounts the snapshot; succeeds if it isn't mounted. A busy mount is detached lazily. */
  unmount(id: string): Promise<void>;
  /** Unmounts and deletes the snapshot; succeeds if it doesn't exist. */
  remove(id: string): Promise<void>;
  /** Returns the disk usage of what the container wrote. @throws {TsdError} not_found */
  usage(id: string): Promise<Usage>;
  /**
   * Lists what the container changed; it may be running and changing more. Parents come before children, names in byte
   * order. A directory counts as modified if anything in it changed; the root itself is never listed.
   * @param assumed paths that are not reported as added, as if they had been in the image
   * @throws {TsdError} not_found, storage (both also during iteration)
   */
  diff(id: string, assumed?: ReadonlySet<ByteString>): AsyncIterable<Change>;
  /** Lists the ids of all snapshots. */
  list(): Promise<string[]>;
  /**
   * Returns whether `prepare` completed for this snapshot; false after a power cut interrupted it.
   * @throws {TsdError}
   * storage
   */
  isComplete(id: string): Promise<boolean>;
  /** Probes in advance what the first mount needs to know. @throws {TsdError} storage */
  probeMount?(): Promise<void>;
}
