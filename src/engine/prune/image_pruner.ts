/**
 * @module
 * Prunes images that no container uses: those without a tag, or all of them. Unlike Docker, which removes additional tags
 * of an image that is in use, it does not change such an image.
 */
import type { Digest } from "../../image/digest.ts";
import type { ImageRecord, ImageRecords } from "../../store/image_records.ts";
import type { Clock } from "../../async/clock.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { createdMs, type ImageCatalog } from "../images/image_catalog.ts";
import { familiar, imageNames } from "../images/image_name.ts";
import type { ImageRemover } from "../images/image_remover.ts";
import type { LayerLeases } from "../images/layer_leases.ts";
import type { LayerSizes } from "../images/layer_sizes.ts";
import { isTsdError } from "../../errors.ts";
import { pause } from "./pause.ts";
import type { Filtered, PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

export interface ImagePrunerDeps {
  readonly records: Pick<ImageRecords, "list" | "get" | "names">;
  readonly catalog: Pick<ImageCatalog, "get">;
  readonly remover: Pick<ImageRemover, "discard">;
  readonly leases: Pick<LayerLeases, "has" | "freshForMs">;
  readonly table: Pick<ContainerTable, "ofImage">;
  readonly layerSizes: LayerSizes;
  readonly clock: Clock;
}

/** Finds and removes unused images. */
export class ImagePruner implements Pruner {
  readonly kind = "image";
  readonly #deps: ImagePrunerDeps;

  constructor(deps: ImagePrunerDeps) {
    this.#deps = deps;
  }

  async find({ all, passes }: PruneSelection, { spared, going, ledger }: PruneFixture): Promise<PruneItem[]> {
    const { records, table, leases, layerSizes } = this.#deps;
    const items: PruneItem[] = [];
    for (const record of records.list()) {
      const { id, layers } = record;
      const hasTag = records.names(id).tags.length > 0;
      const isUsed = leases.has(id) || table.ofImage(id).some((container) => !going.has(container.id));
      if (isUsed || (hasTag && !all) || spared.has(id)) continue;
      const info = await this.#info(record);
      if (!passes(info)) continue;
      const sizes = await layerSizes.of(ledger.release(layers));
      items.push({
        kind: this.kind,
        id,
        names: this.#names(id),
        labels: info.labels,
        why: hasTag ? "no container uses it" : "no tag points to it",
        bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
      });
    }
    return items;
  }

  async remove({ id, names }: Pick<PruneItem, "id" | "names">, signal: AbortSignal): Promise<PruneResult> {
    const { records, remover, leases, clock, layerSizes } = this.#deps;
    const record = records.get(id as Digest);
    if (record === undefined) return { kept: "it has gone already" };
    await pause(leases.freshForMs(record.id), clock, signal);
    const sizes = await layerSizes.of(record.layers);
    const discarded = await remover.discard(record.id, () => this.#objection(record.id, names));
    if (typeof discarded === "string") return { kept: discarded };
    const bytes = discarded.layers.reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0);
    return { bytes, images: discarded.items };
  }

  /** Returns why the image must stay, or undefined. */
  #objection(id: Digest, names: readonly string[]): string | undefined {
    const { table, leases } = this.#deps;
    const [user] = table.ofImage(id);
    if (user !== undefined) return `container ${user.name} uses it now`;
    if (leases.has(id)) return "it is being pulled or used just now";
    const isSame = JSON.stringify(this.#names(id)) === JSON.stringify(names);
    return isSame ? undefined : "its names have changed";
  }

  #names(id: Digest): string[] {
    return imageNames(this.#deps.records.names(id)).map(familiar);
  }

  /** Returns what filters match. An image with a damaged config is unusable and has neither labels nor a creation time. */
  async #info({ id }: ImageRecord): Promise<Filtered> {
    try {
      const image = await this.#deps.catalog.get(id);
      if (image !== undefined) return { createdMs: createdMs(image), labels: image.config.config.labels };
    } catch (thrown) {
      if (!isTsdError(thrown)) throw thrown;
    }
    return { createdMs: undefined, labels: {} };
  }
}
