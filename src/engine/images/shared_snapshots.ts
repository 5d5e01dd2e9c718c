import type { Digest } from "../../image/digest.ts";
import type { Change, Mount, Snapshotter, Usage } from "../../store/driver.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";

/** A mounted root that somebody looks into. Dispose of it. */
export interface MountReference extends Mount, AsyncDisposable {}

/**
 * Snapshots that are mounted for a run and for everybody who looks into them meanwhile: the mount goes when the last of
 * them has gone, so that nobody ever finds another one over the same folders.
 */
export class SharedSnapshots implements Snapshotter {
  readonly #snapshots: Snapshotter;
  readonly #isRunning: (id: string) => boolean;
  readonly #locks = new KeyedLock();
  /** How many hold it. */
  readonly #holders = new Map<string, number>();
  /** Those that a run has asked for. */
  readonly #requested = new Set<string>();

  /** `isRunning`: whether there is a run that this engine, or one before it, has mounted the root for. */
  constructor(snapshots: Snapshotter, isRunning: (id: string) => boolean) {
    this.#snapshots = snapshots;
    this.#isRunning = isRunning;
  }

  /** Mounts a root for somebody who isn't its run. @throws {TsdError} not_found, storage */
  async hold(id: string): Promise<MountReference> {
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
    try {
      const mount = await this.#locks.run(id, () => this.#snapshots.mount(id));
      return { ...mount, [Symbol.asyncDispose]: () => this.#release(id) };
    } catch (thrown) {
      await this.#release(id);
      throw thrown;
    }
  }

  async probeMount(): Promise<void> {
    await this.#snapshots.probeMount?.();
  }

  mount(id: string): Promise<Mount> {
    this.#requested.add(id);
    return this.#locks.run(id, () => this.#snapshots.mount(id));
  }

  unmount(id: string): Promise<void> {
    this.#requested.delete(id);
    return this.#unmountUnheld(id);
  }

  async remove(id: string): Promise<void> {
    this.#requested.delete(id);
    await this.#locks.run(id, () => this.#snapshots.remove(id));
  }

  prepare(layers: readonly Digest[], id: string): Promise<void> {
    return this.#snapshots.prepare(layers, id);
  }

  usage(id: string): Promise<Usage> {
    return this.#snapshots.usage(id);
  }

  diff(id: string, assumed?: ReadonlySet<string>): AsyncIterable<Change> {
    return this.#snapshots.diff(id, assumed);
  }

  list(): Promise<string[]> {
    return this.#snapshots.list();
  }

  isComplete(id: string): Promise<boolean> {
    return this.#snapshots.isComplete(id);
  }

  async #release(id: string): Promise<void> {
    const left = this.#holders.get(id)! - 1;
    if (left > 0) this.#holders.set(id, left);
    else this.#holders.delete(id);
    if (!this.#requested.has(id) && !this.#isRunning(id)) await this.#unmountUnheld(id);
  }

  async #unmountUnheld(id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      // Somebody may have come while this waited its turn.
      if (!this.#holders.has(id) && !this.#requested.has(id)) await this.#snapshots.unmount(id);
    });
  }
}
