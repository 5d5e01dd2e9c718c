/**
 * @module
 * Assigns idle Workers to hash for a Worker that is ingesting a layer. Otherwise a single layer, or the last of several,
 * would be limited to one core.
 */
import { HashRing } from "../../hash/mod.ts";
import type { ToIngestWorker } from "./ingest_protocol.ts";

/** Minimum number of compressed bytes that remain of a layer; a smaller rest is ingested before a helper is ready. */
const MIN_OFFLOAD_BYTES = 8 << 20;

/** A layer that a Worker is ingesting. */
export interface Offloadable {
  readonly sizeBytes: number;
  downloadedBytes: number;
}

/** The view of a Worker that the offload needs. A Worker without jobs is idle. */
export interface HashHelper {
  readonly jobs: ReadonlyMap<number, Offloadable>;
  post(message: ToIngestWorker): void;
}

/** The assignment of a helper to a layer. */
interface Assignment {
  readonly helper: HashHelper;
  /** The Worker that ingests the layer. */
  readonly owner: HashHelper;
  /** Empty until the helper is ready. */
  rings: readonly HashRing[];
}

interface CancelledAssignment extends Assignment {
  readonly id: number;
}

/** Tracks which Worker helps which layer. */
export class HashOffload {
  /** By job id. */
  readonly #assignments = new Map<number, Assignment>();
  /** Cancelled assignments whose owner still waits for the helper to return its streams. Oldest first. */
  #cancelled: CancelledAssignment[] = [];

  /**
   * Takes helpers back that have got a layer to ingest, and assigns idle Workers.
   * @param start starts one more Worker; returns undefined if the limit is reached
   */
  balance(workers: ReadonlySet<HashHelper>, start: () => HashHelper | undefined): void {
    for (const [id, { helper }] of this.#assignments) if (helper.jobs.size > 0) this.#reclaim(id);
    const helpers = new Set([...this.#assignments.values()].map(({ helper }) => helper));
    for (const helper of [...workers].filter((worker) => worker.jobs.size === 0 && !helpers.has(worker))) {
      if (!this.#assign(helper, workers)) return;
    }
    if (this.#largest(workers) === undefined) return;
    const helper = start();
    if (helper !== undefined) this.#assign(helper, workers);
  }

  /** Reports that a helper is ready to hash. */
  lent(id: number, buffers: readonly SharedArrayBuffer[]): void {
    const assignment = this.#assignments.get(id);
    const rings = buffers.map((buffer) => new HashRing(buffer));
    if (assignment === undefined) { for (const ring of rings) ring.abandon(); }
    else {
      assignment.rings = rings;
      assignment.owner.post({ kind: "help", id, rings: buffers });
    }
  }

  /** Reports that an owner has its streams back, after it was sent `alone`. */
  back(id: number): void {
    const first = this.#cancelled.findIndex((each) => each.id === id);
    if (first >= 0) this.#cancelled.splice(first, 1);
  }

  /** Reports that a layer's ingest has ended. Its Worker has already released its helper. */
  over(id: number): void {
    this.#assignments.delete(id);
    this.#cancelled = this.#cancelled.filter((each) => each.id !== id);
  }

  /** Reports the loss of a Worker: owners that wait for it are notified, its helpers are released. */
  lost(worker: HashHelper): void {
    for (const [id, assignment] of this.#assignments) {
      if (reportIfLost(assignment, worker)) this.#assignments.delete(id);
    }
    for (const assignment of this.#cancelled) reportIfLost(assignment, worker);
    this.#cancelled = this.#cancelled.filter(({ owner }) => owner !== worker);
  }

  #assign(helper: HashHelper, workers: ReadonlySet<HashHelper>): boolean {
    const found = this.#largest(workers);
    if (found === undefined) return false;
    this.#assignments.set(found.id, { helper, owner: found.owner, rings: [] });
    helper.post({ kind: "lend", id: found.id });
    return true;
  }

  /** Returns the layer without a helper that has the most bytes remaining, if at least the minimum remains. */
  #largest(workers: ReadonlySet<HashHelper>): { readonly id: number; readonly owner: HashHelper } | undefined {
    let largest: { id: number; owner: HashHelper; remainingBytes: number } | undefined;
    for (const owner of workers) {
      for (const [id, { sizeBytes, downloadedBytes }] of owner.jobs) {
        const remainingBytes = sizeBytes - downloadedBytes;
        if (this.#assignments.has(id) || remainingBytes < (largest?.remainingBytes ?? MIN_OFFLOAD_BYTES)) continue;
        largest = { id, owner, remainingBytes };
      }
    }
    return largest;
  }

  #reclaim(id: number): void {
    const assignment = this.#assignments.get(id)!;
    this.#assignments.delete(id);
    this.#cancelled.push({ ...assignment, id });
    assignment.owner.post({ kind: "alone", id });
  }
}

/** Notifies the other side if `worker` is one side of the assignment. Returns whether it is. */
function reportIfLost({ helper, owner, rings }: Assignment, worker: HashHelper): boolean {
  if (helper !== worker && owner !== worker) return false;
  for (const ring of rings) helper === worker ? ring.markLost() : ring.abandon();
  return true;
}
