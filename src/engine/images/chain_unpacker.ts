/**
 * @module
 * Some storage drivers combine an image's layers before a container can use them. A pull does this from the lowest layer
 * up while further layers are still being fetched, so that the first start of a container does not wait for it.
 */
import type { Digest } from "../../image/digest.ts";
import type { ChainStorage } from "../../store/driver.ts";

/** Combines the layers of one image in order, as they arrive. */
export class ChainUnpacker {
  readonly #store: Partial<ChainStorage>;
  readonly #layers: readonly Digest[];
  readonly #present = new Set<Digest>();
  #height = 0;
  #work = Promise.resolve();

  /** @param layers lowest first */
  constructor(store: Partial<ChainStorage>, layers: readonly Digest[]) {
    this.#store = store;
    this.#layers = layers;
  }

  /** Reports that a layer has been committed. */
  arrived(layer: Digest): void {
    this.#present.add(layer);
    const before = this.#height;
    while (this.#height < this.#layers.length && this.#present.has(this.#layers[this.#height]!)) this.#height++;
    if (this.#store.stack === undefined || this.#height === before) return;
    // Sequential: each chain is built on the previous one.
    this.#work = this.#work.then(() => this.#store.stack?.(this.#layers.slice(0, this.#height)));
    this.#work.catch(() => undefined); // `finished` reports the error.
  }

  /** Resolves once all layers that have arrived are combined. @throws {TsdError} storage, storage_full */
  async finished(): Promise<void> {
    await this.#work;
  }
}
