/**
 * @module
 * Prunes containers without a process: those that have exited, and those that were never started. A container that is
 * running, paused or restarting is in use.
 */
import { isTsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { humanDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { Container } from "../model/container.ts";
import type { ContainerService } from "../containers/container_service.ts";
import type { ContainerSizes } from "../containers/container_sizes.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { neededImages } from "../model/needed_images.ts";
import type { LayerSizes } from "../images/layer_sizes.ts";
import { currentLedger, type LayerLedger, type LayerUsers } from "./layer_ledger.ts";
import { pause } from "./pause.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

/** Grace period for the start of a created container, in ms: `docker run` creates, then starts it. */
const START_GRACE_MS = 2000;

export interface ContainerPrunerDeps {
  readonly table: Pick<ContainerTable, "list" | "has" | "find">;
  readonly containers: Pick<ContainerService, "remove">;
  readonly sizes: Pick<ContainerSizes, "of">;
  readonly layerSizes: LayerSizes;
  readonly layerUsers: LayerUsers;
  readonly clock: Clock;
}

/** Finds and removes stopped containers. */
export class ContainerPruner implements Pruner {
  readonly kind = "container";
  readonly #deps: ContainerPrunerDeps;

  constructor(deps: ContainerPrunerDeps) {
    this.#deps = deps;
  }

  async find({ passes }: PruneSelection, { spared, going, ledger }: PruneFixture): Promise<PruneItem[]> {
    const { table, clock } = this.#deps;
    const items: PruneItem[] = [];
    for (const container of table.list()) {
      const { id, name, createdMs, record } = container;
      const labels = record.config.Labels ?? {};
      if (!container.canRemove || spared.has(id) || !passes({ createdMs, labels })) continue;
      going.add(id);
      const bytes = await this.#bytes(container, released(ledger, container));
      const why = reason(container, clock.now());
      items.push({ kind: this.kind, id, names: [name], labels, why, bytes });
    }
    return items;
  }

  async remove({ id }: Pick<PruneItem, "id">, signal: AbortSignal): Promise<PruneResult> {
    const { table, containers, clock, layerUsers } = this.#deps;
    const container = table.has(id) ? table.find(id) : undefined;
    if (container === undefined) return REMOVED;
    if (wasNeverStarted(container)) {
      // The clock may have been set back since.
      const remainingMs = Math.min(container.createdMs + START_GRACE_MS - clock.now(), START_GRACE_MS);
      await pause(remainingMs, clock, signal);
    }
    if (!container.canRemove) return { kept: `it is ${container.state.status} now` };
    // If the image was removed by force, its layers are removed with the container.
    const bytes = await this.#bytes(container, released(currentLedger(layerUsers), container));
    try {
      await containers.remove(id);
    } catch (thrown) {
      if (isTsdError(thrown, "container_not_found")) return REMOVED;
      if (isTsdError(thrown, "conflict")) return { kept: `it is ${container.state.status} now` };
      throw thrown;
    }
    return { bytes };
  }

  /** Returns the bytes that the removal frees: the writable layer and the given image layers. */
  async #bytes(container: Container, layers: readonly Digest[]): Promise<number> {
    const { sizes, layerSizes } = this.#deps;
    const written = (await sizes.of(container))?.written ?? 0;
    return [...(await layerSizes.of(layers)).values()].reduce((sum, bytes) => sum + bytes, written);
  }
}

/** Returns the layers that are unreferenced without the container. */
const released = (ledger: LayerLedger, { record }: Container): Digest[] =>
  neededImages(record).flatMap(({ layers }) => ledger.release(layers));

const REMOVED: PruneResult = { kept: "it has gone already" };

/** Excludes containers whose start has failed: those get no grace period. */
const wasNeverStarted = ({ state }: Container): boolean => state.status === "created" && state.exitCode === 0;

function reason({ state, createdMs }: Container, nowMs: number): string {
  if (state.status !== "exited") return `created ${humanDuration(nowMs - createdMs)} ago, never ran`;
  return `exited (${state.exitCode}) ${humanDuration(nowMs - state.finishedMs)} ago`;
}
