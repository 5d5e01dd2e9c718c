/**
 * @module
 * `docker rmi` with the rules of moby 28 (the behaviour of daemon/images/image_delete.go): removes a name; if it was the
 * last one, or an id was given, removes the image and its unreferenced layers. An image that a container uses stays.
 */
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, shortHex } from "../../image/digest.ts";
import type { Platform } from "../../image/platform.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { LayerStore } from "../../store/driver.ts";
import type { ContainerRecord } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { EventIntent } from "../events/event_bus.ts";
import type { ImageActor, ImageEvents } from "../events/image_events.ts";
import type { ImageCatalog } from "./image_catalog.ts";
import { familiar, type ImageName, imageNames, isSingleName } from "./image_name.ts";
import type { LayerLeases } from "./layer_leases.ts";

export interface ImageRemoverDeps {
  readonly catalog: Pick<ImageCatalog, "find" | "labels" | "resolve">;
  readonly records: ImageRecords;
  readonly blobs: Pick<BlobStore, "remove">;
  readonly layers: Pick<LayerStore, "remove">;
  readonly leases: LayerLeases;
  readonly containers: Pick<ContainerTable, "ofImage" | "referencedLayers">;
  readonly events: ImageEvents;
}

/** An image that loses names, as its events identify it. */
type ImageToUntag = ImageActor & { readonly id: Digest };

/** What the removal of an image removed. */
export interface Discarded {
  /** In Docker's form. */
  readonly items: readonly ImageDeleteItem[];
  /** The layers that were unreferenced afterwards. */
  readonly layers: readonly Digest[];
}

/** Why an image cannot be removed. */
interface Obstacle {
  /** Docker's text. */
  readonly message: string;
  /** Whether it also prevents a forced removal. */
  readonly isHard: boolean;
  /** Whether a container uses the image. */
  readonly isUse: boolean;
}

/** Removes images and their names. */
export class ImageRemover {
  readonly #deps: ImageRemoverDeps;

  constructor(deps: ImageRemoverDeps) {
    this.#deps = deps;
  }

  /**
   * Removes a name, or an image; returns what was removed, in Docker's form. If a platform is given, the image must match
   * it.
   * @throws {TsdError} image_not_found, ambiguous_id, conflict
   */
  async remove(
    name: string,
    { force = false, platform }: { force?: boolean; platform?: Platform | undefined } = {},
  ): Promise<ImageDeleteItem[]> {
    const { catalog } = this.#deps;
    if (platform !== undefined) await catalog.resolve(name, platform);
    const labels = await catalog.labels(catalog.find(name).id);
    const { id, name: found } = catalog.find(name);
    const actor = { id, name: id, labels };
    const untagged = found === undefined ? this.#dropAllNames(actor, force) : this.#dropName(actor, found, name, force);
    const items = untagged.map((each) => ({ Untagged: familiar(each) }));
    if (found !== undefined && this.#names(id).length > 0) return items;
    const obstacle = this.#obstacle(id, force);
    // Removing the name is sufficient if containers use the image.
    if (obstacle?.isUse && found !== undefined) return items;
    if (obstacle !== undefined) throw conflict(id, obstacle);
    return [...items, ...(await this.#removeImage(id)).items];
  }

  /**
   * Removes an image with all its names, for prune, unless `objection` returns why it stays. The call of `objection` and
   * the removal are atomic.
   */
  async discard(id: Digest, objection: () => string | undefined): Promise<Discarded | string> {
    const { catalog, records } = this.#deps;
    const labels = await catalog.labels(id);
    if (records.get(id) === undefined) return "it has gone already";
    const why = objection();
    if (why !== undefined) return why;
    const steps = nameByName(this.#names(id));
    const { items, layers } = await this.#removeImage(id, steps.map(() => ({ id, name: id, labels })));
    return { items: [...steps.flat().map((name) => ({ Untagged: familiar(name) })), ...items], layers };
  }

  /** Returns those of the layers that no image, container or running pull references. */
  unneeded(candidates: readonly Digest[]): Digest[] {
    return candidates.filter((diffId) => !this.#isNeeded(diffId));
  }

  /** Removes those of the layers that no image, container or running pull references; returns the removed ones. */
  async sweepLayers(candidates: readonly Digest[]): Promise<Digest[]> {
    const { leases, layers } = this.#deps;
    const removed: Digest[] = [];
    for (const diffId of new Set(candidates)) {
      if (this.#isNeeded(diffId)) continue;
      await leases.exclusively(diffId, async () => {
        // Check each layer again under its lock: pulls continue in the meantime.
        if (this.#isNeeded(diffId)) return;
        await layers.remove(diffId);
        removed.push(diffId);
      });
    }
    return removed;
  }

  /** Removes a removed container's unreferenced layers, if its image was removed by force before it. */
  async sweepAfterContainer({ imageId, layers }: Pick<ContainerRecord, "imageId" | "layers">): Promise<void> {
    if (this.#deps.records.get(imageId) === undefined) await this.sweepLayers(layers.toReversed());
  }

  #isNeeded(diffId: Digest): boolean {
    const { records, containers, leases } = this.#deps;
    return leases.has(diffId) || records.referencedLayers().has(diffId) || containers.referencedLayers().has(diffId);
  }

  #names(id: Digest): ImageName[] {
    return imageNames(this.#deps.records.names(id));
  }

  /** Removes one name; with a repository's last tag its digests too, for which Docker has no event. */
  #dropName(actor: ImageToUntag, name: ImageName, given: string, force: boolean): ImageName[] {
    const { id } = actor;
    const { containers } = this.#deps;
    const [user] = containers.ofImage(id);
    if (user !== undefined && !force && isSingleName(this.#names(id))) {
      throw new TsdError(
        "conflict",
        `conflict: unable to remove repository reference "${given}" (must force) - container ${
          user.id.slice(0, 12)
        } is using its referenced image ${shortHex(id)}`,
      );
    }
    const left = this.#names(id).filter(({ full, repository }) => repository === name.repository && full !== name.full);
    const isLast = !name.isDigest && left.every(({ isDigest }) => isDigest);
    const dropped = isLast ? [name, ...left] : [name];
    this.#untag([actor], dropped);
    return dropped;
  }

  /** Removes all names, for a removal by id, if they are a single reference. @throws {TsdError} conflict */
  #dropAllNames(actor: ImageToUntag, force: boolean): ImageName[] {
    const { id } = actor;
    const names = this.#names(id);
    if (!force && !isSingleName(names)) return [];
    const obstacle = this.#use(id, force);
    if (obstacle !== undefined) throw conflict(id, obstacle);
    this.#untag(names.map(() => actor), names);
    return names;
  }

  #untag(reported: readonly ImageActor[], names: readonly ImageName[]): void {
    const { events, records } = this.#deps;
    const write = () => names.forEach(({ full }) => records.dropName(full));
    events.emitAll("untag", reported, { write, lasts: true });
  }

  #obstacle(id: Digest, force: boolean): Obstacle | undefined {
    const use = this.#use(id, force);
    if (use?.isHard || force || this.#names(id).length === 0) return use;
    return { message: "image is referenced in multiple repositories", isHard: false, isUse: false };
  }

  #use(id: Digest, force: boolean): Obstacle | undefined {
    const users = this.#deps.containers.ofImage(id);
    const isHard = users.some(({ isActive }) => isActive);
    const user = users.find(({ isActive }) => isActive === isHard);
    if (user === undefined || (force && !isHard)) return undefined;
    const state = isHard ? "running" : "stopped";
    return { message: `image is being used by ${state} container ${user.id.slice(0, 12)}`, isHard, isUse: true };
  }

  /** Removes the record, blobs and layers. Layers of containers stay even after a forced removal: the sweep checks them. */
  async #removeImage(id: Digest, untagged: readonly ImageActor[] = []): Promise<Discarded> {
    const { records, blobs, leases, events } = this.#deps;
    const record = records.get(id);
    if (record === undefined) return { items: [], layers: [] };
    let intent!: EventIntent;
    const write = () => intent = events.intend("delete", { id, name: id }, { write: () => records.remove(id) });
    events.emitAll("untag", untagged, { write, lasts: true });
    const clear = async () => {
      await leases.exclusively(id, async () => {
        if (records.get(id) !== undefined) return; // Pulled again meanwhile.
        await blobs.remove(id);
        await blobs.remove(record.manifestDigest);
      });
      return await this.sweepLayers(record.layers.toReversed());
    };
    // The record is removed, whatever remains.
    const removed = new Set(await clear().finally(() => intent.publish()));
    // Docker reports layers by their chain ids.
    const chain = await chainIds(record.layers);
    const chains = chain.filter((_, at) => removed.has(record.layers[at])).toReversed();
    return { items: [{ Deleted: id }, ...chains.map((chainId) => ({ Deleted: chainId }))], layers: [...removed] };
  }
}

/** Groups names by removal step: the last tag of a repository takes its digests along, for which Docker emits no event. */
function nameByName(names: readonly ImageName[]): ImageName[][] {
  const steps: ImageName[][] = [];
  for (let left = names; left.length > 0;) {
    const [first, ...rest] = left;
    const isOfSame = ({ repository }: ImageName) => repository === first.repository;
    const takesAll = !first.isDigest && !rest.some((name) => isOfSame(name) && !name.isDigest);
    const going = takesAll ? rest.filter(isOfSame) : [];
    steps.push([first, ...going]);
    left = rest.filter((name) => !going.includes(name));
  }
  return steps;
}

function conflict(id: Digest, { message, isHard }: Obstacle): TsdError {
  const how = isHard ? "cannot be forced" : "must be forced";
  return new TsdError("conflict", `conflict: unable to delete ${shortHex(id)} (${how}) - ${message}`);
}
