/**
 * @module
 * `docker save`: writes images to one archive, created while it is read. The stored layers are verified while they are
 * read: a damaged one truncates the archive, and the log names it.
 */
import { isTsdError, toTsdError, TsdError } from "../../errors.ts";
import type { HashEngine } from "../../hash/mod.ts";
import { type ImageToSave, layoutFiles, type PlainLayer } from "../../image/archive/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { formatPlatform, type Platform, platformRank } from "../../image/platform.ts";
import { canonicalName, parseReference, type Reference } from "../../image/reference.ts";
import type { Log } from "../../log.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { LayerStore } from "../../store/driver.ts";
import type { LayerStorage } from "../../store/drivers.ts";
import type { CopyWorkers } from "../copy/workers.ts";
import type { ImageEvents } from "../events/image_events.ts";
import type { CatalogImage, FoundImage, ImageCatalog } from "./image_catalog.ts";
import type { ImageLeases } from "./image_leases.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "./image_archive_protocol.ts";

export interface ImageSaverDeps {
  readonly catalog: Pick<ImageCatalog, "find" | "get">;
  readonly records: Pick<ImageRecords, "tagsOf">;
  readonly blobs: Pick<BlobStore, "get">;
  readonly layers: Pick<LayerStore, "info">;
  readonly uses: Pick<ImageLeases, "hold">;
  readonly workers: Pick<CopyWorkers<ImageArchiveJob, ImageArchiveInfo>, "begin">;
  readonly storage: Pick<LayerStorage, "driver" | "root">;
  readonly hashEngine: HashEngine;
  readonly events: ImageEvents;
  readonly log: Log;
}

export interface SaveOptions {
  /** Requires that the images are for exactly this platform. */
  readonly platform?: Platform | undefined;
  readonly signal: AbortSignal;
}

/** Saves images to archives. */
export class ImageSaver {
  readonly #deps: ImageSaverDeps;

  constructor(deps: ImageSaverDeps) {
    this.#deps = deps;
  }

  /**
   * Returns an archive of the images with their requested names; a repository name stands for all its tags. The images are
   * leased until the archive has ended.
   * @throws {TsdError} image_not_found, ambiguous_id, invalid_reference, storage, cancelled; during iteration also
   * digest_mismatch, size_mismatch
   */
  async save(names: readonly string[], { platform, signal }: SaveOptions): Promise<AsyncIterable<Uint8Array>> {
    const { uses, workers, storage, hashEngine, events } = this.#deps;
    if (names.length === 0) throw new TsdError("invalid_argument", "Cannot save: no image is named");
    await using leases = new AsyncDisposableStack();
    const images: ImageToSave[] = [];
    for (const [id, refs] of this.#chosen(names)) {
      const image = await this.#image(id, platform);
      leases.use(uses.hold(image.record, id));
      images.push(await this.#toSave(image, refs));
      events.emit("save", { id, name: id, labels: image.config.config.labels });
    }
    const session = await workers.begin(
      { kind: "save", storage, hashEngine, files: await layoutFiles(images) },
      signal,
    );
    const ownedLeases = leases.move();
    void session.over.then(() => ownedLeases.disposeAsync()).catch((thrown) => this.#report(thrown));
    return this.#reported(session.output());
  }

  /** Returns each requested image once, with its requested tags. */
  #chosen(names: readonly string[]): ReadonlyMap<Digest, readonly Reference[]> {
    const chosen = new Map<Digest, Map<string, Reference>>();
    const choose = (id: Digest, tag?: string) => {
      const tags = chosen.get(id) ?? new Map<string, Reference>();
      chosen.set(id, tags);
      if (tag !== undefined) tags.set(tag, parseReference(tag));
    };
    for (const name of names) {
      const tags = this.#allTags(name);
      for (const tag of tags) choose(tag.id, tag.name);
      if (tags.length > 0) continue;
      const { id, name: found } = this.#find(name);
      choose(id, found === undefined || found.isDigest ? undefined : found.full);
    }
    return new Map([...chosen].map(([id, tags]) => [id, [...tags.values()]]));
  }

  /** @throws {TsdError} image_not_found, with Docker's texts for a name with a tag and for others */
  #find(name: string): FoundImage {
    try {
      return this.#deps.catalog.find(name);
    } catch (thrown) {
      if (!isTsdError(thrown, "image_not_found")) throw thrown;
      const text = isBare(name) ? `No such image: ${name}` : "reference does not exist";
      throw new TsdError("image_not_found", text, { cause: thrown });
    }
  }

  /** Returns a repository's tags; none if the name is not that of a repository. */
  #allTags(name: string): readonly { readonly name: string; readonly id: Digest }[] {
    return isId(name) || !isBare(name) ? [] : this.#deps.records.tagsOf(canonicalName(parseReference(name)));
  }

  async #image(id: Digest, platform: Platform | undefined): Promise<CatalogImage> {
    const image = await this.#deps.catalog.get(id);
    if (image === undefined) throw new TsdError("image_not_found", `No such image: ${id}`);
    if (platform !== undefined && platformRank(platform, image.config.platform) !== 0) {
      throw new TsdError(
        "image_not_found",
        `no suitable export target found for platform ${formatPlatform(platform)}`,
      );
    }
    return image;
  }

  async #toSave({ record: { id, layers } }: CatalogImage, names: readonly Reference[]): Promise<ImageToSave> {
    const configBytes = await this.#deps.blobs.get(id);
    return { id, configBytes, names, layers: await Promise.all(layers.map((diffId) => this.#layer(diffId))) };
  }

  async #layer(diffId: Digest): Promise<PlainLayer> {
    const info = await this.#deps.layers.info(diffId);
    if (info === undefined) {
      throw new TsdError("storage", `Cannot save: layer ${diffId} is missing; pull its image again`);
    }
    return { diffId, tarBytes: info.tarBytes };
  }

  /** Logs errors: status 200 has been sent by now, so the client only sees a truncated archive. */
  async *#reported(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* archive;
    } catch (thrown) {
      this.#report(thrown);
      throw thrown;
    }
  }

  #report(thrown: unknown): void {
    const { code, message } = toTsdError(thrown);
    if (code !== "cancelled") this.#deps.log.error("an archive of images was broken off", { code, error: message });
  }
}

/** Returns whether a name is an id, which cannot name a repository. */
const isId = (name: string): boolean => /^(sha256:|[0-9a-f]{64}$)/.test(name);

/** Returns whether a name is an id, or has neither tag nor digest. @throws {TsdError} invalid_reference */
function isBare(name: string): boolean {
  if (isId(name)) return true;
  const { tag, digest } = parseReference(name);
  return tag === undefined && digest === undefined;
}
