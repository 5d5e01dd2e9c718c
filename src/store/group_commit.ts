/**
 * @module
 * Syncing a file after it was written, in another thread: one sync at a time, which stands for all writes before it.
 */

/** Who has written says so; who has to know that it lasts waits. */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #writes = 0;
  /** Writes that are known to last. */
  #safe = 0;
  #running: { readonly upTo: number; readonly done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;

  /** `sync` makes all that was written before its call last. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  wrote(): void {
    this.#writes++;
  }

  /** Everything so far was synced on another way. */
  isSafe(): void {
    this.#safe = this.#writes;
  }

  /** Resolves when all writes so far last. @throws what `sync` throws */
  done(): Promise<void> {
    if (this.#safe >= this.#writes) return Promise.resolve();
    if (this.#running !== undefined && this.#running.upTo >= this.#writes) return this.#running.done;
    return this.#next ??= this.#after(this.#running?.done);
  }

  async #after(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined); // Those who waited for it know.
    this.#next = undefined;
    const upTo = this.#writes;
    const done = this.#sync().then(() => {
      this.#safe = Math.max(this.#safe, upTo);
    });
    this.#running = { upTo, done };
    try {
      await done;
    } finally {
      if (this.#running?.done === done) this.#running = undefined;
    }
  }
}
