/**
 * @module
 * `docker rmi` with Docker's rules: a name that is one of several is only taken away; the last one, or an id, removes
 * the image with the layers that nothing else needs. An image that a container stands on stays.
 */
import type { ImageDeleteItem } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecord, ImageRecords } from "../../store/image_records.ts";
import type { LayerStore } from "../../store/ports.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import { familiarText, type FoundImage, type ImageCatalog } from "./image_catalog.ts";
import type { LayerLeases } from "./layer_leases.ts";

export interface ImageRemoverDeps {
  readonly catalog: ImageCatalog;
  readonly records: ImageRecords;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly leases: LayerLeases;
  readonly containers: ContainerTable;
}

/** See the module's comment. */
export class ImageRemover {
  readonly #deps: ImageRemoverDeps;

  constructor(deps: ImageRemoverDeps) {
    this.#deps = deps;
  }

  /** What went, in Docker's form. @throws {TsdError} image_not_found, ambiguous_id, conflict */
  async remove(name: string, { force = false } = {}): Promise<ImageDeleteItem[]> {
    const { catalog, records } = this.#deps;
    const found = catalog.find(name);
    const { tags } = records.names(found.id);
    const untagged = found.tag !== undefined && tags.length > 1;
    if (untagged) {
      records.untag(found.tag!);
      return [{ Untagged: familiarText(found.tag!) }];
    }
    this.#refuseUse(found, name, tags.length, force);
    return await this.#removeImage(found.id, found.tag !== undefined || force);
  }

  /** Removes layers that neither an image, a container nor a running pull needs. */
  async sweepLayers(candidates: readonly Digest[]): Promise<Digest[]> {
    const { leases, layers } = this.#deps;
    const gone: Digest[] = [];
    for (const diffId of candidates) {
      await leases.exclusively(diffId, async () => {
        // Asked anew for each, and with the layer to ourselves: pulls go on meanwhile.
        if (this.#isNeeded(diffId)) return;
        await layers.remove(diffId);
        gone.push(diffId);
      });
    }
    return gone;
  }

  #isNeeded(diffId: Digest): boolean {
    const { records, containers, leases } = this.#deps;
    return leases.has(diffId) || records.referencedLayers().has(diffId) || containers.referencedLayers().has(diffId);
  }

  #refuseUse({ id, tag }: FoundImage, name: string, tagCount: number, force: boolean): void {
    const hex = hexOf(id);
    const [user] = this.#deps.containers.ofImage(id);
    if (user !== undefined && (user.isRunning || !force)) {
      const state = user.isRunning ? "running" : "stopped";
      const how = user.isRunning ? "cannot be forced" : "must be forced";
      throw new TsdError(
        "conflict",
        tag === undefined
          ? `conflict: unable to delete ${hex.slice(0, 12)} (${how}) - image is being used by ${state} container ${
            user.id.slice(0, 12)
          }`
          : `conflict: unable to remove repository reference "${name}" (${how}) - container ${
            user.id.slice(0, 12)
          } is using its referenced image ${hex.slice(0, 12)}`,
      );
    }
    if (tag === undefined && tagCount > 1 && !force) {
      throw new TsdError(
        "conflict",
        `conflict: unable to delete ${
          hex.slice(0, 12)
        } (must be forced) - image is referenced in multiple repositories`,
      );
    }
  }

  /** Containers keep their layers even when their image goes by force: the sweep asks for them too. */
  async #removeImage(id: Digest, listDigests: boolean): Promise<ImageDeleteItem[]> {
    const { records, blobs } = this.#deps;
    const record = records.get(id) as ImageRecord;
    const names = records.names(id);
    records.remove(id);
    await blobs.remove(record.id);
    if (!records.list().some((other) => other.manifestDigest === record.manifestDigest)) {
      await blobs.remove(record.manifestDigest);
    }
    const layers = await this.sweepLayers([...record.layers].reverse());
    return [
      ...names.tags.map((tag) => ({ Untagged: familiarText(tag) })),
      ...(listDigests || names.tags.length > 0
        ? names.repoDigests.map((name) => ({ Untagged: familiarText(name) }))
        : []),
      { Deleted: id },
      ...layers.map((diffId) => ({ Deleted: diffId })),
    ];
  }
}
