/**
 * @module
 * Prunes the remains of interrupted pulls: complete layers without an image, and partial blobs of large layers.
 */
import { humanDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { IncompletePulls, Reclaimable } from "../images/incomplete_pulls.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

/** Finds and removes the remains of interrupted pulls. The name of an item is its kind, `layer` or `part`. */
export class DownloadPruner implements Pruner {
  readonly kind = "download";
  readonly #incomplete: Pick<IncompletePulls, "left" | "remove">;
  readonly #clock: Clock;

  constructor(incomplete: Pick<IncompletePulls, "left" | "remove">, clock: Clock) {
    this.#incomplete = incomplete;
    this.#clock = clock;
  }

  async find({ passes }: PruneSelection, { spared }: PruneFixture): Promise<PruneItem[]> {
    const reclaimable = await this.#incomplete.left();
    return reclaimable
      .filter(({ digest, changedMs }) => !spared.has(digest) && passes({ createdMs: changedMs, labels: {} }))
      .map((each) => this.#item(each));
  }

  async remove({ id, names }: Pick<PruneItem, "id" | "names">): Promise<PruneResult> {
    const found = (await this.#incomplete.left()).find(({ digest, kind }) => digest === id && names.includes(kind));
    const bytes = found && await this.#incomplete.remove(found);
    return bytes === undefined ? { kept: "a pull uses it now, or it has gone already" } : { bytes };
  }

  #item({ kind, digest, bytes, changedMs }: Reclaimable): PruneItem {
    const why = `its pull was broken off ${humanDuration(this.#clock.now() - changedMs)} ago`;
    return { kind: this.kind, id: digest, names: [kind], labels: {}, why, bytes };
  }
}
