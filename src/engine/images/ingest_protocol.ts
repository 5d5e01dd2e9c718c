/**
 * @module
 * Messages between the engine and its ingest Workers. A job brings one layer from a registry, or from an archive, into the
 * layer store: download, digest, decompression, diffID and unpacking all happen in the Worker, on one stream.
 */
import type { SerialisedError } from "../../errors.ts";
import type { HashEngine } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import type { Descriptor } from "../../image/manifest.ts";
import type { Credential, RegistrySettings } from "../../image/registry/mod.ts";
import type { LayerInfo } from "../../store/driver.ts";
import type { LayerStorage } from "../../store/drivers.ts";

/** How a Worker is set up. */
export interface IngestSetup {
  readonly storage: Pick<LayerStorage, "driver" | "root">;
  readonly registries: RegistrySettings;
  readonly hashEngine: HashEngine;
}

/** One layer to bring in. */
export type IngestJob = RegistryJob | CopyJob;

/** What a caller asks for. */
export type LayerToIngest = Omit<RegistryJob, "id"> | Omit<CopyJob, "id">;

/** A layer of a registry. */
export interface RegistryJob {
  readonly id: number;
  /** `docker.io/library/alpine`: where the blob lies. */
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** Whose pull this is. */
  readonly credential?: Credential | undefined;
}

/** A layer of an archive that is a file of this machine. */
export interface CopyJob {
  readonly id: number;
  readonly diffId: Digest;
  /** Where the layer is, compressed or not. */
  readonly slice: FileSlice;
  /** What its bytes there have to be, where something says that. */
  readonly blob?: Pick<Descriptor, "digest" | "sizeBytes"> | undefined;
}

export interface FileSlice {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export type ToIngestWorker =
  | { readonly kind: "setup"; readonly setup: IngestSetup }
  | { readonly kind: "ingest"; readonly job: IngestJob }
  /** What the store can make again of a layer, whatever is there. */
  | { readonly kind: "remake"; readonly id: number; readonly diffId: Digest }
  /** Reads a layer and compares it with its diffID. */
  | { readonly kind: "verify"; readonly id: number; readonly diffId: Digest }
  /** What containers over these layers (lowest first) stand on. */
  | { readonly kind: "stack"; readonly id: number; readonly layers: readonly Digest[] }
  | { readonly kind: "cancel"; readonly id: number }
  /** Be ready to hash for a layer that another Worker brings in. */
  | { readonly kind: "lend"; readonly id: number }
  /** Another Worker hashes for this layer from now on, */
  | { readonly kind: "help"; readonly id: number; readonly rings: readonly SharedArrayBuffer[] }
  /** and not any more. */
  | { readonly kind: "alone"; readonly id: number };

export type FromIngestWorker =
  /** So much of the layer was there from a download that was broken off. */
  | { readonly kind: "resumed"; readonly id: number; readonly heldBytes: number }
  | { readonly kind: "progress"; readonly id: number; readonly downloadedBytes: number }
  /** Ready to hash what comes through these (`HashRing`). */
  | { readonly kind: "lent"; readonly id: number; readonly rings: readonly SharedArrayBuffer[] }
  /** Hashes alone again. */
  | { readonly kind: "back"; readonly id: number }
  | { readonly kind: "done"; readonly id: number; readonly info: LayerInfo }
  | { readonly kind: "failed"; readonly id: number; readonly error: SerialisedError };
