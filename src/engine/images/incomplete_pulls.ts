/**
 * @module
 * The remains of pulls that were interrupted by the end of the engine or a lost connection: layers that no image
 * references yet, and partial blobs of large layers. They stay for a day, so that the next pull need not download them
 * again. Prune removes them earlier, and so does a pull that finds the disk full.
 */
import type { Digest } from "../../image/digest.ts";
import type { Log } from "../../log.ts";
import type { PartialBlobs } from "../../store/partial_blobs.ts";
import type { LayerStore } from "../../store/driver.ts";
import type { Clock } from "../../async/clock.ts";
import type { ImageRemover } from "./image_remover.ts";

/** How long the remains are retained, in ms. */
const RETENTION_MS = 24 * 60 * 60 * 1000;
/** Interval at which expired remains are removed, in ms. */
const GC_INTERVAL_MS = 60 * 60 * 1000;

export interface IncompletePullsDeps {
  readonly layers: Pick<LayerStore, "list" | "info" | "committedAtMs" | "waitForRemovals">;
  readonly parts: Pick<PartialBlobs, "left" | "remove">;
  readonly remover: Pick<ImageRemover, "unneeded" | "sweepLayers">;
  readonly clock: Clock;
  readonly log: Log;
}

/** An unreferenced layer, or a partial blob. */
export interface Reclaimable {
  readonly kind: "layer" | "part";
  /** The layer's diffID, or the digest of the partial blob. */
  readonly digest: Digest;
  readonly bytes: number;
  /** When the layer was committed or the part last grew, in ms of Unix time. */
  readonly changedMs: number;
}

/** Lists and removes the remains of incomplete pulls. */
export class IncompletePulls {
  readonly #deps: IncompletePullsDeps;

  constructor(deps: IncompletePullsDeps) {
    this.#deps = deps;
  }

  /** Removes expired remains, now and every hour until the result is disposed of. */
  async begin(): Promise<Disposable> {
    const { clock, log } = this.#deps;
    let timer: Disposable;
    let isOver = false;
    const collect = async () => {
      try {
        await this.sweep();
      } catch (thrown) {
        // A failed removal must not prevent the engine from starting; the next run tries again.
        log.error("what unfinished pulls left stays", { error: String(thrown) });
      }
      if (!isOver) timer = clock.after(GC_INTERVAL_MS, () => void collect());
    };
    await collect();
    return {
      [Symbol.dispose]: () => {
        isOver = true;
        timer[Symbol.dispose]();
      },
    };
  }

  /** Lists all reclaimable layers and parts. @throws {TsdError} storage */
  async left(): Promise<Reclaimable[]> {
    const { layers, parts, remover } = this.#deps;
    const found: Reclaimable[] = (await parts.left()).map((part) => ({ kind: "part", ...part }));
    for (const digest of remover.unneeded(await layers.list())) {
      const [info, changedMs] = [await layers.info(digest), await layers.committedAtMs(digest)];
      found.push({ kind: "layer", digest, bytes: info?.contentBytes ?? 0, changedMs: changedMs ?? 0 });
    }
    return found;
  }

  /**
   * Removes the remains of at least this age; resolves to the number of bytes freed.
   * @throws {TsdError} storage
   */
  async sweep(ageMs = RETENTION_MS): Promise<number> {
    const { clock, log } = this.#deps;
    let [bytes, count] = [0, 0];
    for (const each of await this.left()) {
      // A clock that was set back must not retain anything forever.
      if (Math.abs(clock.now() - each.changedMs) < ageMs) continue;
      const freed = await this.remove(each);
      if (freed === undefined) continue;
      bytes += freed;
      count++;
    }
    if (count > 0) log.info("removed what unfinished pulls left", { count, bytes });
    return bytes;
  }

  /** Removes everything reclaimable; resolves to whether that freed space. @throws {TsdError} storage */
  async makeRoom(): Promise<boolean> {
    const bytes = await this.sweep(0);
    // Also waits for the files of layers that were removed earlier.
    return await this.#deps.layers.waitForRemovals() || bytes > 0;
  }

  /**
   * Removes one item; resolves to the number of bytes freed, or undefined if it is in use or has already been removed.
   * @throws {TsdError} storage
   */
  async remove({ kind, digest, bytes }: Pick<Reclaimable, "kind" | "digest" | "bytes">): Promise<number | undefined> {
    const { parts, remover } = this.#deps;
    if (kind === "part") return await parts.remove(digest);
    return (await remover.sweepLayers([digest])).length > 0 ? bytes : undefined;
  }
}
