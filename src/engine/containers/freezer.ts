/** @module `docker pause` and `unpause`: freezes all processes of a container. Errors have Docker's texts. */
import { isTsdError, TsdError } from "../../errors.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import type { ContainerCgroups } from "../stats/cgroup.ts";
import { type Container, refuseRestarting } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { ContainerHealth } from "./dependents.ts";

export interface FreezerDeps {
  readonly table: Pick<ContainerTable, "find" | "setState">;
  /** One lock for each container, by id; shared with start and removal. */
  readonly locks: KeyedLock;
  readonly runtimes: { of(container: Container): Pick<OciRuntime, "setFrozen"> };
  readonly cgroups: Pick<ContainerCgroups, "isFrozen" | "thaw">;
  readonly events: ContainerEvents;
  readonly health: Pick<ContainerHealth, "pause" | "resume">;
}

/** Delays between attempts to freeze a container, in ms. */
const FREEZE_RETRY_DELAYS_MS = [20, 50, 100, 200];

/** Pauses and unpauses containers, one operation at a time for each. */
export class Freezer {
  readonly #deps: FreezerDeps;

  constructor(deps: FreezerDeps) {
    this.#deps = deps;
  }

  /** Pauses a container. @throws {TsdError} not_running, conflict (it is paused), runtime_* */
  pause(nameOrId: string): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    const { id } = container;
    return this.#deps.locks.run(id, async () => {
      if (container.isPaused) throw new TsdError("conflict", `Container ${id} is already paused`);
      refuseRestarting(container, id);
      if (!container.isRunning) throw new TsdError("not_running", `container ${id} is not running`);
      await this.#freeze(container);
    });
  }

  /** Resumes a container. @throws {TsdError} conflict (it isn't paused), runtime_* */
  unpause(nameOrId: string): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    return this.#deps.locks.run(container.id, async () => {
      if (!container.isPaused) throw new TsdError("conflict", `Container ${container.id} is not paused`);
      await this.thaw(container);
    });
  }

  /** Freezes a container. A health probe in progress is ended first, because it would time out while it is frozen. */
  async #freeze(container: Container): Promise<void> {
    const { health } = this.#deps;
    await health.pause(container);
    using undo = new DisposableStack();
    undo.defer(() => health.resume(container));
    await this.#freezeWithRetry(container);
    this.#record(container, true);
    if (container.isPaused) undo.move();
  }

  /**
   * Freezes a container. On cgroup v1 runc gives up after some 10 ms ("unable to freeze") and thaws it again: where no
   * core is free, its processes have not come to a stop by then.
   */
  async #freezeWithRetry(container: Container): Promise<void> {
    const runtime = this.#deps.runtimes.of(container);
    for (const delayMs of FREEZE_RETRY_DELAYS_MS) {
      try {
        return await runtime.setFrozen(container.id, true);
      } catch (thrown) {
        if (!isTsdError(thrown, "runtime_failed") || !container.isRunning) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    }
    await runtime.setFrozen(container.id, true);
  }

  /** Resumes a paused container as soon as no other operation is in progress. */
  thawInTurn(container: Container): Promise<void> {
    return this.#deps.locks.run(container.id, () => this.thaw(container));
  }

  /** Resumes a paused container, also one that was frozen without the engine. The caller holds the container's lock. */
  async thaw(container: Container): Promise<void> {
    const { cgroups, health } = this.#deps;
    if (!container.isPaused) {
      if (cgroups.isFrozen(container.id)) cgroups.thaw(container.id);
      return;
    }
    await this.#resume(container);
    this.#record(container, false);
    health.resume(container);
  }

  /** The kernel resumes what the runtime can't: its state or its configuration may have been removed. */
  async #resume(container: Container): Promise<void> {
    const { runtimes, cgroups } = this.#deps;
    try {
      await runtimes.of(container).setFrozen(container.id, false);
    } catch (thrown) {
      cgroups.thaw(container.id);
      if (cgroups.isFrozen(container.id)) throw thrown;
    }
  }

  /** Corrects the recorded state after a crash between an operation and its record: the kernel knows the actual one. */
  reconcile(container: Container): void {
    this.#record(container, this.#deps.cgroups.isFrozen(container.id));
  }

  /** Records the state, unless it is recorded already or the task has ended meanwhile. */
  #record(container: Container, isFrozen: boolean): void {
    const { state } = container;
    if (state.status !== (isFrozen ? "running" : "paused")) return;
    const [status, action] = isFrozen ? ["paused", "pause"] as const : ["running", "unpause"] as const;
    const telling = this.#deps.events.telling(container, action);
    this.#deps.table.setState(container, { ...state, status }, container.restarts, telling);
  }
}
