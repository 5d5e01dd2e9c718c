/**
 * @module
 * Containers without a process: those that have ended, and those that were never started. One that runs, is paused or
 * waits for its restart is in use.
 */
import { isTsdError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { humanDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { Container } from "../containers/container.ts";
import type { ContainerService } from "../containers/container_service.ts";
import type { ContainerSizes } from "../containers/container_sizes.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import { neededImages } from "../containers/image_mounts.ts";
import type { LayerSizes } from "../images/layer_sizes.ts";
import { currentLedger, type LayerLedger, type LayerUsers } from "./layer_ledger.ts";
import { pause } from "./pause.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

/** How long whoever creates a container may take to start it, in ms: `docker run` does the one, then the other. */
const START_MS = 2000;

export interface ContainerPrunerDeps {
  readonly table: Pick<ContainerTable, "list" | "has" | "find">;
  readonly containers: Pick<ContainerService, "remove">;
  readonly sizes: Pick<ContainerSizes, "of">;
  readonly layerSizes: LayerSizes;
  readonly layerUsers: LayerUsers;
  readonly clock: Clock;
}

/** See the module's comment. */
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
      if (container.isActive || spared.has(id) || !passes({ createdMs, labels })) continue;
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
      // The clock may have been put back since.
      const remainingMs = Math.min(container.createdMs + START_MS - clock.now(), START_MS);
      await pause(remainingMs, clock, signal);
    }
    if (container.isActive) return { kept: `it is ${container.state.status} now` };
    // Its image may have been removed by force: then its layers go with it.
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

  /** What it wrote, and layers that go with it. */
  async #bytes(container: Container, layers: readonly Digest[]): Promise<number> {
    const { sizes, layerSizes } = this.#deps;
    const written = (await sizes.of(container))?.written ?? 0;
    return [...(await layerSizes.of(layers)).values()].reduce((sum, bytes) => sum + bytes, written);
  }
}

/** Layers that nobody needs without a container. */
const released = (ledger: LayerLedger, { record }: Container): Digest[] =>
  neededImages(record).flatMap(({ layers }) => ledger.release(layers));

const REMOVED: PruneResult = { kept: "it has gone already" };

/** A start that failed is no reason to wait for another one. */
const wasNeverStarted = ({ state }: Container): boolean => state.status === "created" && state.exitCode === 0;

function reason({ state, createdMs }: Container, nowMs: number): string {
  if (state.status !== "exited") return `created ${humanDuration(nowMs - createdMs)} ago, never ran`;
  return `exited (${state.exitCode}) ${humanDuration(nowMs - state.finishedMs)} ago`;
}
