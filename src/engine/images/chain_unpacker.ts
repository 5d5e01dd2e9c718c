/**
 * @module
 * Some drivers have to put an image's layers together before a container can stand on them. A pull has that done from
 * below while further layers come in, so that the first start needn't wait for it.
 */
import type { Digest } from "../../image/digest.ts";
import type { ChainStorage } from "../../store/driver.ts";

/** The stack of one image. */
export class ChainUnpacker {
  readonly #store: Partial<ChainStorage>;
  readonly #layers: readonly Digest[];
  readonly #here = new Set<Digest>();
  #height = 0;
  #work = Promise.resolve();

  /** @param layers lowest first */
  constructor(store: Partial<ChainStorage>, layers: readonly Digest[]) {
    this.#store = store;
    this.#layers = layers;
  }

  /** A layer is in. */
  arrived(layer: Digest): void {
    this.#here.add(layer);
    const before = this.#height;
    while (this.#height < this.#layers.length && this.#here.has(this.#layers[this.#height]!)) this.#height++;
    if (this.#store.stack === undefined || this.#height === before) return;
    // One after the other: each stands on the one before.
    this.#work = this.#work.then(() => this.#store.stack?.(this.#layers.slice(0, this.#height)));
    this.#work.catch(() => undefined); // Who waits for the end hears of it.
  }

  /** Resolves once all that has arrived is put together. @throws {TsdError} storage, storage_full */
  async finished(): Promise<void> {
    await this.#work;
  }
}
