/**
 * @module
 * `docker rmi` with the rules of moby 28 (daemon/images/image_delete.go, as it behaves): a name is taken away; when it was
 * the last one, or an id was given, the image goes with the layers that nothing else needs. An image that a container
 * stands on stays.
 */
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, shortHex } from "../../image/digest.ts";
import type { Platform } from "../../image/platform.ts";
import type { BlobStore } from "../../store/blob_store.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { LayerStore } from "../../store/driver.ts";
import type { ContainerRecord } from "../containers/container.ts";
import type { ContainerTable } from "../containers/container_table.ts";
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

/** An image that loses names, as its events name it. */
type ImageToUntag = ImageActor & { readonly id: Digest };

/** What went with an image. */
export interface Discarded {
  /** In Docker's form. */
  readonly items: readonly ImageDeleteItem[];
  /** Layers that nobody needed any more. */
  readonly layers: readonly Digest[];
}

/** Why an image can't go. */
interface Obstacle {
  /** Docker's words. */
  readonly message: string;
  /** Not even force helps. */
  readonly isHard: boolean;
  /** A container stands on it. */
  readonly isUse: boolean;
}

/** See the module's comment. */
export class ImageRemover {
  readonly #deps: ImageRemoverDeps;

  constructor(deps: ImageRemoverDeps) {
    this.#deps = deps;
  }

  /**
   * What went, in Docker's form. With a platform the image must serve that one.
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
    // A name that went is enough done when containers need what is left of the image.
    if (obstacle?.isUse && found !== undefined) return items;
    if (obstacle !== undefined) throw conflict(id, obstacle);
    return [...items, ...(await this.#removeImage(id)).items];
  }

  /**
   * Removes an image that nobody has named, with all its names, unless `objection` says why it stays; between that and
   * the removal nothing else happens.
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

  /** Those of `candidates` that neither an image, a container nor a running pull needs. */
  unneeded(candidates: readonly Digest[]): Digest[] {
    return candidates.filter((diffId) => !this.#isNeeded(diffId));
  }

  /** Removes layers that neither an image, a container nor a running pull needs. */
  async sweepLayers(candidates: readonly Digest[]): Promise<Digest[]> {
    const { leases, layers } = this.#deps;
    const removed: Digest[] = [];
    for (const diffId of new Set(candidates)) {
      if (this.#isNeeded(diffId)) continue;
      await leases.exclusively(diffId, async () => {
        // Asked anew for each, and with the layer to ourselves: pulls go on meanwhile.
        if (this.#isNeeded(diffId)) return;
        await layers.remove(diffId);
        removed.push(diffId);
      });
    }
    return removed;
  }

  /** A container is gone: when its image went before it, by force, nothing may need its layers any more. */
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

  /** Takes one name away, and with a repository's last tag its digests too, which Docker has no event for. */
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

  /** For an id: all names, if they are as good as one. @throws {TsdError} conflict */
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

  /** Containers keep their layers even when their image goes by force: the sweep asks for them too. */
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
    // Its record has gone, whatever stays.
    const removed = new Set(await clear().finally(() => intent.publish()));
    // Docker names a layer by all that is below it.
    const chain = await chainIds(record.layers);
    const chains = chain.filter((_, at) => removed.has(record.layers[at])).toReversed();
    return { items: [{ Deleted: id }, ...chains.map((chainId) => ({ Deleted: chainId }))], layers: [...removed] };
  }
}

/** Names as they go one after the other: with a repository's last tag its digests, with which Docker makes no fuss. */
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
