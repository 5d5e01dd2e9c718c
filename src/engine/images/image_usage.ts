import type { Digest } from "../../image/digest.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { LayerSizes } from "./layer_sizes.ts";

/** What all images take together, in bytes. */
export interface ImagesUsage {
  /** Every layer that an image names, once. */
  readonly layersBytes: number;
  /** By image: the part that wouldn't go with it, because other images name it too. */
  readonly sharedBytes: ReadonlyMap<Digest, number>;
}

/** Counts what images share. */
export class ImageUsage {
  readonly #records: Pick<ImageRecords, "list">;
  readonly #sizes: LayerSizes;

  constructor(records: Pick<ImageRecords, "list">, sizes: LayerSizes) {
    this.#records = records;
    this.#sizes = sizes;
  }

  /** @throws {TsdError} storage */
  async measure(): Promise<ImagesUsage> {
    const images = this.#records.list();
    const namedBy = new Map<Digest, number>();
    for (const { layers } of images) {
      for (const diffId of new Set(layers)) namedBy.set(diffId, (namedBy.get(diffId) ?? 0) + 1);
    }
    const sizes = await this.#sizes.of(namedBy.keys());
    const total = (layers: Iterable<Digest>) => [...layers].reduce((sum, diffId) => sum + (sizes.get(diffId) ?? 0), 0);
    const sharedBytes = new Map(images.map(({ id, layers, sizeBytes }) => {
      const own = [...new Set(layers)].filter((diffId) => namedBy.get(diffId) === 1);
      return [id, sizeBytes - total(own)];
    }));
    return { layersBytes: total(namedBy.keys()), sharedBytes };
  }
}
