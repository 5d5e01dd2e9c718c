/**
 * @module
 * Workers that have no layer of their own hash for one that has: a layer that comes in alone, and the last one of several,
 * would else be the work of one core.
 */
import { HashRing } from "../../hash/mod.ts";
import type { ToIngestWorker } from "./ingest_protocol.ts";

/** With less left of a layer, in compressed bytes, it is in before help has arrived. */
const HELP_FROM_BYTES = 8 << 20;

/** A layer that a Worker brings in. */
export interface Offloadable {
  readonly sizeBytes: number;
  downloadedBytes: number;
}

/** What this needs to know of a Worker. */
export interface HashHelper {
  readonly jobs: ReadonlyMap<number, Offloadable>;
  post(message: ToIngestWorker): void;
}

interface Help {
  readonly helper: HashHelper;
  readonly owner: HashHelper;
  rings: readonly HashRing[];
}

interface CalledOff extends Help {
  readonly id: number;
}

/** Who helps whom, by the layer's job. */
export class HashOffload {
  readonly #given = new Map<number, Help>();
  /** Until their owners have their streams back they wait for the helpers. Oldest first. */
  #calledOff: CalledOff[] = [];

  /**
   * Looks whether somebody who has nothing to do can help.
   * @param start gives one more Worker, if there may be one
   */
  balance(hands: ReadonlySet<HashHelper>, start: () => HashHelper | undefined): void {
    for (const [id, { helper }] of this.#given) if (helper.jobs.size > 0) this.#takeBack(id);
    const helpers = new Set([...this.#given.values()].map(({ helper }) => helper));
    for (const helper of [...hands].filter((hand) => hand.jobs.size === 0 && !helpers.has(hand))) {
      if (!this.#send(helper, hands)) return;
    }
    if (this.#largest(hands) === undefined) return;
    const helper = start();
    if (helper !== undefined) this.#send(helper, hands);
  }

  /** A Worker is ready to hash. */
  lent(id: number, buffers: readonly SharedArrayBuffer[]): void {
    const help = this.#given.get(id);
    const rings = buffers.map((buffer) => new HashRing(buffer));
    if (help === undefined) { for (const ring of rings) ring.abandon(); }
    else {
      help.rings = rings;
      help.owner.post({ kind: "help", id, rings: buffers });
    }
  }

  /** A Worker hashes alone again, as it was told to. */
  back(id: number): void {
    const first = this.#calledOff.findIndex((each) => each.id === id);
    if (first >= 0) this.#calledOff.splice(first, 1);
  }

  /** A layer is in, or has failed. Its Worker has let go of whoever helped. */
  over(id: number): void {
    this.#given.delete(id);
    this.#calledOff = this.#calledOff.filter((each) => each.id !== id);
  }

  /** A Worker is lost: who waits for it shall know, and whoever it let wait is free. */
  lost(hand: HashHelper): void {
    for (const [id, help] of this.#given) if (reportIfLost(help, hand)) this.#given.delete(id);
    for (const help of this.#calledOff) reportIfLost(help, hand);
    this.#calledOff = this.#calledOff.filter(({ owner }) => owner !== hand);
  }

  #send(helper: HashHelper, hands: ReadonlySet<HashHelper>): boolean {
    const found = this.#largest(hands);
    if (found === undefined) return false;
    this.#given.set(found.id, { helper, owner: found.owner, rings: [] });
    helper.post({ kind: "lend", id: found.id });
    return true;
  }

  /** Of the layers that nobody helps with the one of which most is left, if that is enough. */
  #largest(hands: ReadonlySet<HashHelper>): { readonly id: number; readonly owner: HashHelper } | undefined {
    let largest: { id: number; owner: HashHelper; remainingBytes: number } | undefined;
    for (const owner of hands) {
      for (const [id, { sizeBytes, downloadedBytes }] of owner.jobs) {
        const remainingBytes = sizeBytes - downloadedBytes;
        if (this.#given.has(id) || remainingBytes < (largest?.remainingBytes ?? HELP_FROM_BYTES)) continue;
        largest = { id, owner, remainingBytes };
      }
    }
    return largest;
  }

  #takeBack(id: number): void {
    const help = this.#given.get(id)!;
    this.#given.delete(id);
    this.#calledOff.push({ ...help, id });
    help.owner.post({ kind: "alone", id });
  }
}

/** If one side is lost the other one hears of it. Says whether. */
function reportIfLost({ helper, owner, rings }: Help, hand: HashHelper): boolean {
  if (helper !== hand && owner !== hand) return false;
  for (const ring of rings) helper === hand ? ring.markLost() : ring.abandon();
  return true;
}
