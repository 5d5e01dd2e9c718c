/**
 * @module
 * What pulls left that were broken off: complete layers of which there is no image, and parts of large ones.
 */
import { humanDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { IncompletePulls, Reclaimable } from "../images/incomplete_pulls.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

/** See the module's comment. Names say which of the two it is. */
export class DownloadPruner implements Pruner {
  readonly kind = "download";
  readonly #incomplete: Pick<IncompletePulls, "left" | "remove">;
  readonly #clock: Clock;

  constructor(incomplete: Pick<IncompletePulls, "left" | "remove">, clock: Clock) {
    this.#incomplete = incomplete;
    this.#clock = clock;
  }

  async find({ passes }: PruneSelection, { spared }: PruneFixture): Promise<PruneItem[]> {
    const left = await this.#incomplete.left();
    return left
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
