/**
 * @module
 * Verifies the stored images against their digests: reads and hashes each config, manifest and layer, also those that are
 * not in use. Silent disk corruption is only found by reading the data.
 */
import { isTsdError, toTsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { throwIfCancelled } from "../../io/mod.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecord, ImageRecords } from "../../store/image_records.ts";
import type { ImageCatalog } from "./image_catalog.ts";
import { familiar, imageNames } from "./image_name.ts";
import type { IngestPool } from "./ingest_pool.ts";
import type { LayerLeases } from "./layer_leases.ts";

export type PartKind = "config" | "manifest" | "layer";

/** The result for one config, manifest or layer. */
export interface CheckedPart {
  readonly kind: PartKind;
  readonly digest: Digest;
  /** Names of all images that use this part; the id for images without a name. */
  readonly images: readonly string[];
  /** What is wrong, if the part is damaged or missing. */
  readonly problem?: string;
  /** Why the part could not be read; it may be intact. */
  readonly unread?: string;
}

type Part = Omit<CheckedPart, "problem" | "unread">;

const DIGESTS_OF: Readonly<Record<PartKind, (image: ImageRecord) => readonly Digest[]>> = {
  config: ({ id }) => [id],
  manifest: ({ manifestDigest }) => [manifestDigest],
  layer: ({ layers }) => layers,
};

export interface FsckDeps {
  readonly catalog: Pick<ImageCatalog, "find">;
  readonly records: Pick<ImageRecords, "list" | "names">;
  readonly blobs: Pick<BlobStore, "get">;
  readonly pool: Pick<IngestPool, "verify">;
  readonly leases: Pick<LayerLeases, "hold">;
  /** Removes layers that became unreferenced during the check. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
}

/** Verifies stored images against their digests. */
export class Fsck {
  readonly #deps: FsckDeps;

  constructor(deps: FsckDeps) {
    this.#deps = deps;
  }

  /**
   * Checks the named images, or all if none is named. Shared parts are checked once. Layers come last, lowest first.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference (before iteration); cancelled
   */
  check(names: readonly string[], signal: AbortSignal): AsyncIterable<CheckedPart> {
    const requested = new Set(names.map((name) => this.#deps.catalog.find(name).id));
    const parts = this.#partsOf((id) => names.length === 0 || requested.has(id));
    return this.#checkAll(parts, signal);
  }

  async *#checkAll(parts: readonly Part[], signal: AbortSignal): AsyncGenerator<CheckedPart> {
    const layers = parts.flatMap(({ kind, digest }) => kind === "layer" ? [digest] : []);
    try {
      using _lease = this.#deps.leases.hold(layers);
      for (const part of parts) {
        throwIfCancelled(signal);
        const checked = await this.#checked(part, signal);
        if (checked !== undefined) yield checked;
      }
    } finally {
      await this.#deps.sweepLayers(layers);
    }
  }

  #partsOf(isRequested: (id: Digest) => boolean): Part[] {
    const images = this.#deps.records.list();
    const expected = images.filter(({ id }) => isRequested(id));
    return (["config", "manifest", "layer"] as const).flatMap((kind) =>
      [...new Set(expected.flatMap(DIGESTS_OF[kind]))].map((digest) => {
        const users = images.filter((image) => DIGESTS_OF[kind](image).includes(digest));
        return { kind, digest, images: users.map(({ id }) => this.#nameOf(id)) };
      })
    );
  }

  #nameOf(id: Digest): string {
    const [name] = imageNames(this.#deps.records.names(id));
    return name === undefined ? id : familiar(name);
  }

  /** Checks one part. Resolves to undefined if its images were removed in the meantime. */
  async #checked(part: Part, signal: AbortSignal): Promise<CheckedPart | undefined> {
    const { pool, blobs, records } = this.#deps;
    const { kind, digest } = part;
    try {
      await (kind === "layer" ? pool.verify(digest, signal) : blobs.get(digest));
      return part;
    } catch (thrown) {
      const error = toTsdError(thrown);
      const { message } = error;
      const isDamaged = isTsdError(error, "digest_mismatch", "not_found", "layer_invalid");
      // Other errors say nothing about the part.
      if (!isDamaged && !isTsdError(error, "storage", "storage_full", "system_call")) throw error;
      // The removal of an image does not wait for its check.
      if (!records.list().some((image) => DIGESTS_OF[kind](image).includes(digest))) return undefined;
      return isDamaged ? { ...part, problem: message } : { ...part, unread: message };
    }
  }
}
