/**
 * @module
 * What pulls left that were broken off: complete layers of which there is no image, and parts of large ones.
 */
import { humanDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { LeftOver, UnfinishedPulls } from "../images/incomplete_pulls.ts";
import type { PruneItem, Pruner, PruneResult, PruneScene, PruneSelection } from "./prune_plan.ts";

/** See the module's comment. Names say which of the two it is. */
export class DownloadPruner implements Pruner {
  readonly kind = "download";
  readonly #unfinished: Pick<UnfinishedPulls, "left" | "remove">;
  readonly #clock: Clock;

  constructor(unfinished: Pick<UnfinishedPulls, "left" | "remove">, clock: Clock) {
    this.#unfinished = unfinished;
    this.#clock = clock;
  }

  async find({ passes }: PruneSelection, { spared }: PruneScene): Promise<PruneItem[]> {
    const left = await this.#unfinished.left();
    return left
      .filter(({ digest, changedMs }) => !spared.has(digest) && passes({ createdMs: changedMs, labels: {} }))
      .map((each) => this.#item(each));
  }

  async remove({ id, names }: Pick<PruneItem, "id" | "names">): Promise<PruneResult> {
    const found = (await this.#unfinished.left()).find(({ digest, kind }) => digest === id && names.includes(kind));
    const bytes = found && await this.#unfinished.remove(found);
    return bytes === undefined ? { kept: "a pull uses it now, or it has gone already" } : { bytes };
  }

  #item({ kind, digest, bytes, changedMs }: LeftOver): PruneItem {
    const why = `its pull was broken off ${humanDuration(this.#clock.now() - changedMs)} ago`;
    return { kind: this.kind, id: digest, names: [kind], labels: {}, why, bytes };
  }
}
