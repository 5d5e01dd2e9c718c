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
}

type Part = Omit<CheckedPart, "problem">;

export interface ImageCheckDeps {
  readonly catalog: Pick<ImageCatalog, "find">;
  readonly records: Pick<ImageRecords, "list" | "names">;
  readonly blobs: Pick<BlobStore, "get">;
  readonly pool: Pick<IngestPool, "verify">;
  readonly leases: Pick<LayerLeases, "hold">;
  /** Removes layers that lost their last user while they were looked at. */
  readonly sweepLayers: (diffIds: readonly Digest[]) => Promise<unknown>;
}

/** See the module's comment. */
export class ImageCheck {
  readonly #deps: ImageCheckDeps;

  constructor(deps: ImageCheckDeps) {
    this.#deps = deps;
  }

  /**
   * Looks at images, at all if none is named; what several share once. Layers come last, each image's lowest first.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference (at once); cancelled
   */
  check(names: readonly string[], signal: AbortSignal): AsyncIterable<CheckedPart> {
    const asked = new Set(names.map((name) => this.#deps.catalog.find(name).id));
    const parts = this.#partsOf((id) => names.length === 0 || asked.has(id));
    return this.#look(parts, signal);
  }

  async *#look(parts: readonly Part[], signal: AbortSignal): AsyncGenerator<CheckedPart> {
    const layers = parts.flatMap(({ kind, digest }) => kind === "layer" ? [digest] : []);
    try {
      using _held = this.#deps.leases.hold(layers);
      for (const part of parts) {
        throwIfCancelled(signal);
        const problem = await this.#problemOf(part);
        yield problem === undefined ? part : { ...part, problem };
      }
    } finally {
      await this.#deps.sweepLayers(layers);
    }
  }

  #partsOf(isWanted: (id: Digest) => boolean): Part[] {
    const images = this.#deps.records.list();
    const wanted = images.filter(({ id }) => isWanted(id));
    const kinds: [PartKind, (image: ImageRecord) => readonly Digest[]][] = [
      ["config", ({ id }) => [id]],
      ["manifest", ({ manifestDigest }) => [manifestDigest]],
      ["layer", ({ layers }) => layers],
    ];
    return kinds.flatMap(([kind, digestsOf]) =>
      [...new Set(wanted.flatMap(digestsOf))].map((digest) => {
        const users = images.filter((image) => digestsOf(image).includes(digest));
        return { kind, digest, images: users.map(({ id }) => this.#nameOf(id)) };
      })
    );
  }

  #nameOf(id: Digest): string {
    const [name] = imageNames(this.#deps.records.names(id));
    return name === undefined ? id : familiar(name);
  }

  async #problemOf({ kind, digest }: Part): Promise<string | undefined> {
    const { pool, blobs } = this.#deps;
    try {
      await (kind === "layer" ? pool.verify(digest) : blobs.get(digest));
      return undefined;
    } catch (thrown) {
      const error = toTsdError(thrown);
      // Whatever else goes wrong says nothing about it.
      if (!isTsdError(error, "digest_mismatch", "not_found", "storage", "layer_invalid")) throw error;
      return error.message;
    }
  }
}
