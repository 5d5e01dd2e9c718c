/**
 * @module
 * Messages between the engine and its ingest Workers. A job ingests one layer from a registry or an archive into the layer
 * store: download, digest check, decompression, diffID check and unpacking all happen in the Worker, on one stream.
 */
import type { SerialisedError } from "../../errors.ts";
import type { HashEngine } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import type { Descriptor } from "../../image/manifest.ts";
import type { Credential, RegistrySettings } from "../../image/registry/mod.ts";
import type { LayerInfo } from "../../store/driver.ts";
import type { LayerStorage } from "../../store/drivers.ts";

/** The configuration of a Worker. */
export interface IngestSetup {
  readonly storage: Pick<LayerStorage, "driver" | "root">;
  readonly registries: RegistrySettings;
  readonly hashEngine: HashEngine;
}

/** A layer to ingest. */
export type IngestJob = RegistryJob | CopyJob;

/** A job before it gets its id. */
export type LayerToIngest = Omit<RegistryJob, "id"> | Omit<CopyJob, "id">;

/** A layer to ingest from a registry. */
export interface RegistryJob {
  readonly id: number;
  /** The repository that has the blob, such as `docker.io/library/alpine`. */
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** The credential of the pull's caller. */
  readonly credential?: Credential | undefined;
}

/** A layer to ingest from an archive, which is a local file. */
export interface CopyJob {
  readonly id: number;
  readonly diffId: Digest;
  /** The layer's bytes, compressed or not. */
  readonly slice: FileSlice;
  /** Expected digest and size of these bytes, if known. */
  readonly blob?: Pick<Descriptor, "digest" | "sizeBytes"> | undefined;
}

/** A byte range of a file. */
export interface FileSlice {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export type ToIngestWorker =
  | { readonly kind: "setup"; readonly setup: IngestSetup }
  | { readonly kind: "ingest"; readonly job: IngestJob }
  /** Rebuilds a layer's derived data, even if it exists. */
  | { readonly kind: "remake"; readonly id: number; readonly diffId: Digest }
  /** Reads a layer and verifies its diffID. */
  | { readonly kind: "verify"; readonly id: number; readonly diffId: Digest }
  /** Combines layers, lowest first. */
  | { readonly kind: "stack"; readonly id: number; readonly layers: readonly Digest[] }
  | { readonly kind: "cancel"; readonly id: number }
  /** Prepares to hash for a layer that another Worker ingests. */
  | { readonly kind: "lend"; readonly id: number }
  /** Another Worker hashes for this layer from now on. */
  | { readonly kind: "help"; readonly id: number; readonly rings: readonly SharedArrayBuffer[] }
  /** Takes the streams of this layer back from the other Worker. */
  | { readonly kind: "alone"; readonly id: number };

export type FromIngestWorker =
  /** Number of bytes of the layer that an interrupted download left. */
  | { readonly kind: "resumed"; readonly id: number; readonly heldBytes: number }
  | { readonly kind: "progress"; readonly id: number; readonly downloadedBytes: number }
  /** Ready to hash streams from these buffers (`HashRing`). */
  | { readonly kind: "lent"; readonly id: number; readonly rings: readonly SharedArrayBuffer[] }
  /** Has taken its streams back. */
  | { readonly kind: "back"; readonly id: number }
  | { readonly kind: "done"; readonly id: number; readonly info: LayerInfo }
  | { readonly kind: "failed"; readonly id: number; readonly error: SerialisedError };
