import type { Digest } from "../../image/digest.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { LayerSizes } from "./layer_sizes.ts";

/** Disk usage of all images, in bytes. */
export interface ImagesUsage {
  /** Total of all layers that images reference, each counted once. */
  readonly layersBytes: number;
  /** By image: the size of its layers that other images reference too, and that its removal would not free. */
  readonly sharedBytes: ReadonlyMap<Digest, number>;
}

/** Measures the disk usage of images, and how much of it they share. */
export class ImageUsage {
  readonly #records: Pick<ImageRecords, "list">;
  readonly #sizes: LayerSizes;

  constructor(records: Pick<ImageRecords, "list">, sizes: LayerSizes) {
    this.#records = records;
    this.#sizes = sizes;
  }

  /** Measures all images. @throws {TsdError} storage */
  async measure(): Promise<ImagesUsage> {
    const images = this.#records.list();
    const referenceCounts = new Map<Digest, number>();
    for (const { layers } of images) {
      for (const diffId of new Set(layers)) referenceCounts.set(diffId, (referenceCounts.get(diffId) ?? 0) + 1);
    }
    const sizes = await this.#sizes.of(referenceCounts.keys());
    const total = (layers: Iterable<Digest>) => [...layers].reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0);
    const sharedBytes = new Map(images.map(({ id, layers, sizeBytes }) => {
      const unshared = [...new Set(layers)].filter((diffId) => referenceCounts.get(diffId) === 1);
      return [id, sizeBytes - total(unshared)];
    }));
    return { layersBytes: total(referenceCounts.keys()), sharedBytes };
  }
}
