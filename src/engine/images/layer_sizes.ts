import type { Digest } from "../../image/digest.ts";
import type { LayerStore } from "../../store/driver.ts";

/** Reads the sizes of layers: bytes of their files' content, as Docker's `Size` counts it. */
export class LayerSizes {
  readonly #layers: Pick<LayerStore, "info">;

  constructor(layers: Pick<LayerStore, "info">) {
    this.#layers = layers;
  }

  /** Returns the size of each layer, in bytes; 0 for one that does not exist. @throws {TsdError} storage */
  async of(diffIds: Iterable<Digest>): Promise<ReadonlyMap<Digest, number>> {
    const sizes = new Map<Digest, number>();
    for (const diffId of new Set(diffIds)) sizes.set(diffId, (await this.#layers.info(diffId))?.contentBytes ?? 0);
    return sizes;
  }
}
