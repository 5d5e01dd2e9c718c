/**
 * @module
 * Leases on layers and images that no record references yet: a running pull holds its layers until the image is recorded,
 * and a container that is being created holds its image, so that concurrent removals skip them. Also serialises the
 * operations on one layer (fetch, remove) or on one image's record.
 */
import type { Digest } from "../../image/digest.ts";
import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";

/** Grace period for the use of a newly added image, in ms: `docker run` pulls, then creates the container. */
const FRESH_MS = 2000;

/**
 * Leases and locks by digest: layers by diffID, images by id. Kept in memory only: after a crash nothing is in progress.
 */
export class LayerLeases {
  readonly #holders = new Map<Digest, number>();
  readonly #locks = new KeyedLock();
  readonly #now: () => number;
  /** End of the grace period of recently added images. */
  readonly #freshUntil = new Map<Digest, number>();

  /** @param now Unix time in ms */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Returns whether the layer or image is leased. */
  has(digest: Digest): boolean {
    return this.#holders.has(digest);
  }

  /** Returns all leased layers and images. */
  held(): Digest[] {
    return [...this.#holders.keys()];
  }

  /** Leases layers and images until the result is disposed of. Leases are counted. */
  hold(digests: readonly Digest[]): Disposable {
    for (const digest of digests) this.#holders.set(digest, (this.#holders.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const digest of digests) this.#release(digest);
      },
    };
  }

  /** Starts the grace period of an image that was just added, most likely in order to be used immediately. */
  arrived(imageId: Digest): void {
    for (const [id, until] of this.#freshUntil) if (until <= this.#now()) this.#freshUntil.delete(id);
    this.#freshUntil.set(imageId, this.#now() + FRESH_MS);
  }

  /** Returns the remaining grace period, in ms. Prune has to wait for it; a removal by name does not. */
  freshForMs(imageId: Digest): number {
    // The clock may have been set back.
    return Math.min(Math.max(0, (this.#freshUntil.get(imageId) ?? 0) - this.#now()), FRESH_MS);
  }

  /**
   * Runs a step on a layer (by diffID) or an image (by id) under its lock. `signal` aborts the wait for the lock; a step
   * that has begun runs to completion.
   * @throws {TsdError} cancelled, and what the step throws
   */
  async exclusively<T>(digest: Digest, step: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const done = this.#locks.run(digest, async () => {
      turn.resolve();
      throwIfCancelled(signal);
      return await step();
    });
    done.catch(() => undefined); // Otherwise unhandled if the caller stopped waiting.
    await untilCancelled(turn.promise, signal);
    return await done;
  }

  #release(digest: Digest): void {
    const remaining = (this.#holders.get(digest) ?? 1) - 1;
    if (remaining === 0) this.#holders.delete(digest);
    else this.#holders.set(digest, remaining);
  }
}
