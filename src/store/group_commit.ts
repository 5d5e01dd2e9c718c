/**
 * @module
 * Syncs a file after writes, in another thread: one sync at a time, which covers all writes before it.
 */

/**
 * Combines syncs: writers call {@link GroupCommit.wrote}, and callers that need durability await {@link
 * GroupCommit.done}.
 */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #writes = 0;
  /** Number of writes known to be durable. */
  #durable = 0;
  #running: { readonly upTo: number; readonly done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;

  /** @param sync makes everything durable that was written before its call */
  constructor(sync: () => Promise<void>) {
    /** Records a write. */
    this.#sync = sync;
  }

  wrote(): void {
    this.#writes++;
  }

  /** Records that all writes so far were made durable by other means. */
  markDurable(): void {
    this.#durable = this.#writes;
  }

  /** Resolves when all writes so far are durable. @throws what `sync` throws */
  done(): Promise<void> {
    if (this.#durable >= this.#writes) return Promise.resolve();
    if (this.#running !== undefined && this.#running.upTo >= this.#writes) return this.#running.done;
    return this.#next ??= this.#after(this.#running?.done);
  }

  async #after(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined); // Reported to its own callers.
    this.#next = undefined;
    const upTo = this.#writes;
    const done = this.#sync().then(() => {
      this.#durable = Math.max(this.#durable, upTo);
    });
    this.#running = { upTo, done };
    try {
      await done;
    } finally {
      if (this.#running?.done === done) this.#running = undefined;
    }
  }
}
