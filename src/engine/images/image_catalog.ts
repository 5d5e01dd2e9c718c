/**
 * @module
 * Finds images by any of their names: `alpine`, `alpine:3`, `alpine@sha256:…`, an id or its unique prefix.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { type ImageConfig, parseImageConfig } from "../../image/config.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { Platform } from "../../image/platform.ts";
import { familiarString, parseReference, withDefaultTag } from "../../image/reference.ts";
import { type Log, SILENT_LOG } from "../../log.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageNames, ImageRecord, ImageRecords } from "../../store/image_records.ts";
import { type ImageName, imageNameOf } from "./image_name.ts";
import { requirePlatform } from "./image_platform.ts";

/** An image with its config. */
export interface CatalogImage {
  readonly record: ImageRecord;
  readonly config: ImageConfig;
  /** Familiar names, as Docker shows them (`alpine:3`). */
  readonly names: ImageNames;
}

/** The image that a name refers to. */
export interface FoundImage {
  readonly id: Digest;
  /** The matching name of the image; absent if it was found by its id. */
  readonly name?: ImageName;
}

/** Number of image configs that are cached in memory. */
const CACHED_CONFIGS = 64;

/** Finds images by name and reads their configs. */
export class ImageCatalog {
  readonly #records: ImageRecords;
  readonly #blobs: Pick<BlobStore, "get">;
  readonly #log: Log;
  readonly #configs = new Map<Digest, ImageConfig>();

  constructor(records: ImageRecords, blobs: Pick<BlobStore, "get">, log: Log = SILENT_LOG) {
    this.#records = records;
    this.#blobs = blobs;
    this.#log = log.scope("images");
  }

  /** Finds an image by name or id. @throws {TsdError} image_not_found (Docker's text), ambiguous_id, invalid_reference */
  find(name: string): FoundImage {
    const found = this.#byId(name) ?? this.#byReference(name);
    if (found !== undefined) return found;
    throw new TsdError("image_not_found", `No such image: ${displayName(name)}`);
  }

  /**
   * Finds an image by name or id and reads its config. If a platform is given, the image must match it.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference, storage (its config is damaged)
   */
  async resolve(name: string, platform?: Platform): Promise<CatalogImage> {
    const image = await this.get(this.find(name).id);
    if (image === undefined) throw new TsdError("image_not_found", `No such image: ${displayName(name)}`);
    if (platform !== undefined) requirePlatform(name, image.config.platform, platform);
    return image;
  }

  /** Returns the image with this id, or undefined if there is none. @throws {TsdError} storage (its config is damaged) */
  async get(id: Digest): Promise<CatalogImage | undefined> {
    const record = this.#records.get(id);
    if (record === undefined) return undefined;
    return { record, config: await this.#config(id), names: familiar(this.#records.names(id)) };
  }

  /** Returns the image's labels. A config that cannot be read gives none: it must not prevent tagging or removal. */
  async labels(id: Digest): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      return (await this.get(id))?.config.config.labels;
    } catch (thrown) {
      if (!isTsdError(thrown)) throw thrown;
      return undefined;
    }
  }

  /**
   * Lists all images, most recently created first, then most recently added. An image whose config is damaged is skipped
   * and logged.
   */
  async list(): Promise<CatalogImage[]> {
    const images: CatalogImage[] = [];
    for (const record of this.#records.list()) {
      const names = familiar(this.#records.names(record.id));
      try {
        images.push({ record, config: await this.#config(record.id), names });
      } catch (thrown) {
        if (!isTsdError(thrown, "storage")) throw thrown;
        this.#log.warn("an image is not listed", { names: names.tags.join(" "), why: thrown.message });
      }
    }
    // The sort is stable: images of the same age stay in the order in which they were added.
    return images.sort((a, b) => (createdMs(b) ?? 0) - (createdMs(a) ?? 0));
  }

  async #config(id: Digest): Promise<ImageConfig> {
    let config = this.#configs.get(id);
    if (config === undefined) {
      config = await this.#readConfig(id);
      const oldest = this.#configs.keys().next();
      if (this.#configs.size >= CACHED_CONFIGS && !oldest.done) this.#configs.delete(oldest.value);
      this.#configs.set(id, config);
    }
    return config;
  }

  /** Reads a config. Pulling the image again repairs it: a pull always rewrites the config. @throws {TsdError} storage */
  async #readConfig(id: Digest): Promise<ImageConfig> {
    try {
      return parseImageConfig(await this.#blobs.get(id), `config ${id}`);
    } catch (cause) {
      if (!isTsdError(cause, "not_found", "digest_mismatch")) throw cause;
      const { tags: [name = id] } = familiar(this.#records.names(id));
      throw new TsdError("storage", `Cannot use image ${name}: its config is damaged or missing; pull it again`, {
        cause,
      });
    }
  }

  #byId(name: string): FoundImage | undefined {
    const hex = name.replace(/^sha256:/, "");
    if (!/^[0-9a-f]{1,64}$/.test(hex)) return undefined;
    if (hex.length === 64) {
      return this.#records.get(digestOfHex(hex)) === undefined ? undefined : { id: digestOfHex(hex) };
    }
    // A short hex string may also be a repository name, which takes precedence, as in Docker.
    if (!name.startsWith("sha256:")) {
      const named = this.#byReference(name);
      if (named !== undefined) return named;
    }
    const matches = this.#records.byIdPrefix(hex);
    if (matches.length > 1) throw new TsdError("ambiguous_id", `Multiple IDs found with provided prefix: ${name}`);
    return matches.length === 1 ? { id: matches[0] } : undefined;
  }

  #byReference(name: string): FoundImage | undefined {
    if (name.startsWith("sha256:")) return undefined;
    const reference = withDefaultTag(parseReference(name));
    const { digest } = reference;
    const found = imageNameOf(reference);
    const id = digest === undefined
      ? this.#records.byTag(found.full)
      : this.#records.byRepoDigest(found.repository, digest);
    if (id !== undefined) return { id, name: found };
    return digest !== undefined && this.#records.get(digest) !== undefined ? { id: digest } : undefined;
  }
}

/** Returns when the image was created according to its config, in ms of Unix time. */
export function createdMs({ config }: Pick<CatalogImage, "config">): number | undefined {
  const ms = config.created === undefined ? NaN : Date.parse(config.created);
  return Number.isNaN(ms) ? undefined : ms;
}

function displayName(name: string): string {
  if (/^(sha256:)?[0-9a-f]{12,64}$/.test(name)) return name;
  return familiarString(withDefaultTag(parseReference(name)));
}

/** `docker.io/library/alpine:3` → `alpine:3`. */
function familiarText(canonical: string): string {
  return familiarString(parseReference(canonical));
}

function familiar({ tags, repoDigests }: ImageNames): ImageNames {
  return { tags: tags.map(familiarText), repoDigests: repoDigests.map(familiarText) };
}
