/**
 * @module
 * Who needs a layer that no image names yet: a running pull holds it until the image is recorded, so that a removal
 * meanwhile leaves it alone. Steps on one layer (fetch, remove), or on one image's record, never overlap.
 */
import type { Digest } from "../../image/digest.ts";
import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import { KeyedLock } from "../keyed_lock.ts";

/** In memory only: after a crash nothing is being pulled. */
export class LayerLeases {
  readonly #holders = new Map<Digest, number>();
  readonly #locks = new KeyedLock();

  has(diffId: Digest): boolean {
    return this.#holders.has(diffId);
  }

  /** Holds layers until the result is disposed of. */
  hold(diffIds: readonly Digest[]): Disposable {
    for (const diffId of diffIds) this.#holders.set(diffId, (this.#holders.get(diffId) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const diffId of diffIds) this.#release(diffId);
      },
    };
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

  #release(diffId: Digest): void {
    const left = (this.#holders.get(diffId) ?? 1) - 1;
    if (left === 0) this.#holders.delete(diffId);
    else this.#holders.set(diffId, left);
  }
}
