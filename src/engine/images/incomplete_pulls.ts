/**
 * @module
 * What pulls left that an engine's end or a lost connection broke off: layers that are in and no image names yet, and
 * parts of large ones. They stay for a day, so that the next pull needn't download them again, and go sooner by prune, or
 * when a pull finds the disk full.
 */
import type { Digest } from "../../image/digest.ts";
import type { Log } from "../../log.ts";
import type { PartialBlobs } from "../../store/partial_blobs.ts";
import type { LayerStore } from "../../store/driver.ts";
import type { Clock } from "../../async/clock.ts";
import type { ImageRemover } from "./image_remover.ts";

/** How long they wait for another pull, in ms. */
const RETENTION_MS = 24 * 60 * 60 * 1000;
/** How often an engine looks for those whose time is over, in ms. */
const LOOK_EVERY_MS = 60 * 60 * 1000;

export interface IncompletePullsDeps {
  readonly layers: Pick<LayerStore, "list" | "info" | "committedAtMs" | "waitForRemovals">;
  readonly parts: Pick<PartialBlobs, "left" | "remove">;
  readonly remover: Pick<ImageRemover, "unneeded" | "sweepLayers">;
  readonly clock: Clock;
  readonly log: Log;
}

/** A layer or a part that nobody needs just now. */
export interface Reclaimable {
  readonly kind: "layer" | "part";
  /** The layer's diffID; of a part the blob's digest. */
  readonly digest: Digest;
  readonly bytes: number;
  /** When it came, or grew last: Unix time in ms. */
  readonly changedMs: number;
}

/** See the module's comment. */
export class IncompletePulls {
  readonly #deps: IncompletePullsDeps;

  constructor(deps: IncompletePullsDeps) {
    this.#deps = deps;
  }

  /** Removes what is too old, now and every hour until the result is disposed of. */
  async begin(): Promise<Disposable> {
    const { clock, log } = this.#deps;
    let timer: Disposable;
    let isOver = false;
    const look = async () => {
      try {
        await this.sweep();
      } catch (thrown) {
        // What can't be removed is no reason not to serve: the next look tries again.
        log.error("what unfinished pulls left stays", { error: String(thrown) });
      }
      if (!isOver) timer = clock.after(LOOK_EVERY_MS, () => void look());
    };
    await look();
    return {
      [Symbol.dispose]: () => {
        isOver = true;
        timer[Symbol.dispose]();
      },
    };
  }

  /** All that nobody needs just now. @throws {TsdError} storage */
  async left(): Promise<Reclaimable[]> {
    const { layers, parts, remover } = this.#deps;
    const found: Reclaimable[] = (await parts.left()).map((part) => ({ kind: "part", ...part }));
    for (const digest of remover.unneeded(await layers.list())) {
      const [info, changedMs] = [await layers.info(digest), await layers.committedAtMs(digest)];
      found.push({ kind: "layer", digest, bytes: info?.contentBytes ?? 0, changedMs: changedMs ?? 0 });
    }
    return found;
  }

  /** Removes what is at least so old. Gives the number of bytes. @throws {TsdError} storage */
  async sweep(ageMs = RETENTION_MS): Promise<number> {
    const { clock, log } = this.#deps;
    let [bytes, count] = [0, 0];
    for (const each of await this.left()) {
      // A clock that was put back must not keep anything for ever.
      if (Math.abs(clock.now() - each.changedMs) < ageMs) continue;
      const freed = await this.remove(each);
      if (freed === undefined) continue;
      bytes += freed;
      count++;
    }
    if (count > 0) log.info("removed what unfinished pulls left", { count, bytes });
    return bytes;
  }

  /** Removes all that nobody needs, at once; says whether there is more room now. @throws {TsdError} storage */
  async makeRoom(): Promise<boolean> {
    const bytes = await this.sweep(0);
    // Also of layers that were removed before.
    return await this.#deps.layers.waitForRemovals() || bytes > 0;
  }

  /** Gives its bytes; undefined: somebody uses it, or it has gone. @throws {TsdError} storage */
  async remove({ kind, digest, bytes }: Pick<Reclaimable, "kind" | "digest" | "bytes">): Promise<number | undefined> {
    const { parts, remover } = this.#deps;
    if (kind === "part") return await parts.remove(digest);
    return (await remover.sweepLayers([digest])).length > 0 ? bytes : undefined;
  }
}
