/**
 * @module
 * Which images there are, by any of their names: `alpine`, `alpine:3`, `alpine@sha256:…`, an id or its unique prefix.
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
  /** Names as Docker shows them (`alpine:3`), not in full. */
  readonly names: ImageNames;
}

/** What somebody's words led to. */
export interface FoundImage {
  readonly id: Digest;
  /** The name of the image that was meant; absent when it was its id. */
  readonly name?: ImageName;
}

/** Configs of this many images are kept in memory. */
const CACHED_CONFIGS = 64;

/** See the module's comment. */
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

  /** @throws {TsdError} image_not_found (Docker's text), ambiguous_id, invalid_reference */
  find(name: string): FoundImage {
    const found = this.#byId(name) ?? this.#byReference(name);
    if (found !== undefined) return found;
    throw new TsdError("image_not_found", `No such image: ${displayName(name)}`);
  }

  /**
   * With a platform the image must serve that one.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference, storage (its config is damaged)
   */
  async resolve(name: string, platform?: Platform): Promise<CatalogImage> {
    const image = await this.get(this.find(name).id);
    if (image === undefined) throw new TsdError("image_not_found", `No such image: ${displayName(name)}`);
    if (platform !== undefined) requirePlatform(name, image.config.platform, platform);
    return image;
  }

  async get(id: Digest): Promise<CatalogImage | undefined> {
    const record = this.#records.get(id);
    if (record === undefined) return undefined;
    return { record, config: await this.#config(id), names: familiar(this.#records.names(id)) };
  }

  /** The image's labels; none where its config can't be read, which keeps nobody from naming or removing it. */
  async labels(id: Digest): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      return (await this.get(id))?.config.config.labels;
    } catch (thrown) {
      if (!isTsdError(thrown)) throw thrown;
      return undefined;
    }
  }

  /**
   * Those that were made last come first, of equally old ones those that came last; one whose config is damaged is left
   * out, and named in the log.
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
    // The sort keeps the order of arrival among equals.
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

  /** A pull writes the config anew, whatever is there. @throws {TsdError} storage */
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
    // A short word may also be a repository's name, which goes first, as in Docker.
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

/** When an image was made, by its author's word: Unix time in ms. */
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
