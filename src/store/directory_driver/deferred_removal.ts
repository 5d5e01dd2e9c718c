/** Deletes what is no longer visible, one item after the other, in the background. */

export class DeferredRemoval {
  readonly #onFailed: ((thrown: unknown) => void) | undefined;
  #work = Promise.resolve();
  #pending = 0;
  readonly #failures: unknown[] = [];

  /** @param failed called for each item that can't be deleted; without it {@link finished} throws the failure */
  constructor(failed?: (thrown: unknown) => void) {
    this.#onFailed = failed;
  }

  /** Queues an item; it is disposed of after those before it. */
  add(thing: AsyncDisposable): void {
    this.#pending++;
    this.#work = this.#work
      .then(() => thing[Symbol.asyncDispose]())
      .catch(this.#onFailed ?? ((thrown) => void this.#failures.push(thrown)))
      .finally(() => this.#pending--);
  }

  /** Waits until all queued items are deleted. Returns whether there were any. */
  async finished(): Promise<boolean> {
    const isWaiting = this.#pending > 0;
    await this.#work;
    for (const failure of this.#failures.splice(0)) throw failure;
    return isWaiting;
  }
}
