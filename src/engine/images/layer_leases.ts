/**
 * @module
 * Who needs a layer or an image that no record says anything of yet: a running pull holds its layers until the image is
 * recorded, a container that is being made holds its image, so that a removal meanwhile leaves them alone. Steps on one
 * layer (fetch, remove), or on one image's record, never overlap.
 */
import type { Digest } from "../../image/digest.ts";
import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";

/** How long whoever has just got an image may take to use it, in ms: `docker run` pulls, then creates. */
const FRESH_MS = 2000;

/** In memory only: after a crash nothing is under way. Layers go by their diffID, images by their id. */
export class LayerLeases {
  readonly #holders = new Map<Digest, number>();
  readonly #locks = new KeyedLock();
  readonly #now: () => number;
  /** When each of the images that came last is no news any more. */
  readonly #freshUntil = new Map<Digest, number>();

  /** @param now Unix time in ms */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  has(digest: Digest): boolean {
    return this.#holders.has(digest);
  }

  /** Everything that is held now. */
  held(): Digest[] {
    return [...this.#holders.keys()];
  }

  /** Holds layers and images until the result is disposed of. */
  hold(digests: readonly Digest[]): Disposable {
    for (const digest of digests) this.#holders.set(digest, (this.#holders.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const digest of digests) this.#release(digest);
      },
    };
  }

  /** Somebody has just got this image, most likely to use it at once. */
  arrived(imageId: Digest): void {
    for (const [id, until] of this.#freshUntil) if (until <= this.#now()) this.#freshUntil.delete(id);
    this.#freshUntil.set(imageId, this.#now() + FRESH_MS);
  }

  /** How long a removal that nobody asked for by name has to wait for that, in ms. */
  freshForMs(imageId: Digest): number {
    // The clock may have been put back.
    return Math.min(Math.max(0, (this.#freshUntil.get(imageId) ?? 0) - this.#now()), FRESH_MS);
  }

  /**
   * Runs one step on a layer (by its diffID) or an image (by its id), alone. `signal` ends the wait for the turn; a step
   * that has begun runs to its own end.
   * @throws {TsdError} cancelled, and what the step throws
   */
  async exclusively<T>(digest: Digest, step: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const done = this.#locks.run(digest, async () => {
      turn.resolve();
      throwIfCancelled(signal);
      return await step();
    });
    done.catch(() => undefined); // Whoever left while waiting doesn't hear of it.
    await untilCancelled(turn.promise, signal);
    return await done;
  }

  #release(digest: Digest): void {
    const left = (this.#holders.get(digest) ?? 1) - 1;
    if (left === 0) this.#holders.delete(digest);
    else this.#holders.set(digest, left);
  }
}
