/**
 * @module
 * Whether what lies on the disk of images is still what came in: each config, manifest and layer is read and hashed again,
 * also what nobody uses at the moment. A disk that forgets says so only to those who read.
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

/** One thing that was looked at. */
export interface CheckedPart {
  readonly kind: PartKind;
  readonly digest: Digest;
  /** All images that have it, by a name, or by the id where they have none. */
  readonly images: readonly string[];
  /** What is wrong with it. */
  readonly problem?: string;
  /** Why it could not be read: it may be whole. */
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
  /** Removes layers that lost their last user while they were looked at. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
}

/** See the module's comment. */
export class Fsck {
  readonly #deps: FsckDeps;

  constructor(deps: FsckDeps) {
    this.#deps = deps;
  }

  /**
   * Looks at images, at all if none is named; what several share once. Layers come last, each image's lowest first.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference (at once); cancelled
   */
  check(names: readonly string[], signal: AbortSignal): AsyncIterable<CheckedPart> {
    const requested = new Set(names.map((name) => this.#deps.catalog.find(name).id));
    const parts = this.#partsOf((id) => names.length === 0 || requested.has(id));
    return this.#look(parts, signal);
  }

  async *#look(parts: readonly Part[], signal: AbortSignal): AsyncGenerator<CheckedPart> {
    const layers = parts.flatMap(({ kind, digest }) => kind === "layer" ? [digest] : []);
    try {
      using _held = this.#deps.leases.hold(layers);
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

  /** What there is to say of it: nothing, if its images have gone meanwhile. */
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
      // Whatever else goes wrong says nothing about it.
      if (!isDamaged && !isTsdError(error, "storage", "storage_full", "system_call")) throw error;
      // Who removes an image doesn't wait until it was looked at.
      if (!records.list().some((image) => DIGESTS_OF[kind](image).includes(digest))) return undefined;
      return isDamaged ? { ...part, problem: message } : { ...part, unread: message };
    }
  }
}
