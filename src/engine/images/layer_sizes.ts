import type { Digest } from "../../image/digest.ts";
import type { LayerStore } from "../../store/driver.ts";

/** How much layers hold: bytes of their files' content, as Docker's sizes count them. */
export class LayerSizes {
  readonly #layers: Pick<LayerStore, "info">;

  constructor(layers: Pick<LayerStore, "info">) {
    this.#layers = layers;
  }

  /** Each layer once; one that isn't there (any more) holds nothing. @throws {TsdError} storage */
  async of(diffIds: Iterable<Digest>): Promise<ReadonlyMap<Digest, number>> {
    const sizes = new Map<Digest, number>();
    for (const diffId of new Set(diffIds)) sizes.set(diffId, (await this.#layers.info(diffId))?.contentBytes ?? 0);
    return sizes;
  }
}
