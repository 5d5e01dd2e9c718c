/** Removing what has gone from view already, one thing after the other, while nobody waits for it. */

export class DeferredRemoval {
  readonly #failed: ((thrown: unknown) => void) | undefined;
  #work = Promise.resolve();
  #pending = 0;
  readonly #failures: unknown[] = [];

  /** @param failed hears of what couldn't be removed; without it `finished` throws that */
  constructor(failed?: (thrown: unknown) => void) {
    this.#failed = failed;
  }

  /** Disposes of it once those before it have gone. */
  add(thing: AsyncDisposable): void {
    this.#pending++;
    this.#work = this.#work
      .then(() => thing[Symbol.asyncDispose]())
      .catch(this.#failed ?? ((thrown) => void this.#failures.push(thrown)))
      .finally(() => this.#pending--);
  }

  /** Waits until all have gone; says whether there was anything to wait for. */
  async finished(): Promise<boolean> {
    const isWaiting = this.#pending > 0;
    await this.#work;
    for (const failure of this.#failures.splice(0)) throw failure;
    return isWaiting;
  }
}
