/**
 * @module
 * Applies restart policies: after the end of a task, and when the engine starts. Every decision is stored before its
 * delay begins, so that the next engine continues where a killed one stopped.
 */
import type { Log } from "../../log.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import type { Clock } from "../../async/clock.ts";
import type { Container, Ended, EndedState } from "../model/container.ts";
import { NO_RESTARTS } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import {
  decideRestart,
  parseRestartPolicy,
  type RestartDecision,
  type RestartSituation,
} from "../model/restart_policy.ts";
import { RestartTimers } from "./restart_timer.ts";

export interface RestartManagerDeps {
  readonly table: Pick<ContainerTable, "list" | "setState" | "stoppedManually">;
  readonly clock: Clock;
  readonly log: Log;
  /** Starts a container whose delay is over. It takes the container's lock and checks its state again. */
  readonly start: (id: string) => Promise<void>;
}

/** Applies restart policies. Disposing of it leaves pending restarts to the next engine. */
export class RestartManager implements Disposable {
  readonly #deps: RestartManagerDeps;
  readonly #restarter: RestartTimers;
  #hasStarted = false;

  constructor(deps: RestartManagerDeps) {
    this.#deps = deps;
    this.#restarter = new RestartTimers(deps);
  }

  /**
   * Records the state of a container whose task has ended, and schedules a restart if its policy demands one.
   * @param options.ranMs how long the task ran, in ms; 0 for a restart that failed
   * @param options.recording writes the state
   */
  ended(
    container: Container,
    ended: Ended,
    { ranMs = ended.finishedMs - ended.startedMs, recording = UNTOLD }: {
      readonly ranMs?: number;
      readonly recording?: Recording;
    } = {},
  ): void {
    const { table } = this.#deps;
    const decision = decide(container, ended, { ranMs, engineStart: false });
    if (!decision.restart) {
      return table.setState(container, { ...ended, status: "exited" }, container.restarts, recording);
    }
    const restarts = { count: container.restarts.count + 1, delayMs: decision.afterMs, byHand: false };
    table.setState(container, { ...ended, status: "restarting" }, restarts, recording);
    if (this.#hasStarted) this.#restarter.schedule(container.id, decision.afterMs);
  }

  /** Notes that a user stops the container: its policy won't start it again. */
  stoppedManually(container: Container): void {
    const { name } = parseRestartPolicy(container.record.hostConfig);
    if (name !== "no" && !container.restarts.byHand) this.#deps.table.stoppedManually(container);
  }

  /** Cancels a pending restart. The caller holds the container's lock. Returns whether there was one. */
  cancel(container: Container): boolean {
    const { state } = container;
    this.#restarter.cancel(container.id);
    if (state.status !== "restarting") return false;
    this.#deps.table.setState(container, { ...state, status: "exited" }, { ...container.restarts, byHand: true });
    return true;
  }

  /**
   * Starts containers from now on. To be called once everything of the previous engine is restored.
   * @param engineStart whether policies are evaluated for all containers: after a boot, and for an engine that runs as
   * a service. An engine that is started on demand continues pending restarts only.
   */
  begin({ engineStart }: { readonly engineStart: boolean }): void {
    this.#hasStarted = true;
    for (const container of this.#deps.table.list().toReversed()) {
      const { state } = container;
      if (state.status !== "exited" && state.status !== "restarting") continue;
      if (engineStart) this.#startAnew(container, state);
      else if (state.status === "restarting") {
        this.#restarter.schedule(container.id, this.#remainingMs(container, state));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#hasStarted = false;
    this.#restarter[Symbol.dispose]();
  }

  /** Starts a container as if a user had started it, if its policy demands that it runs. */
  #startAnew(container: Container, state: EndedState): void {
    if (state.status === "exited" && !decide(container, state, { ranMs: 0, engineStart: true }).restart) return;
    this.#deps.table.setState(container, { ...state, status: "restarting" }, NO_RESTARTS);
    this.#restarter.schedule(container.id, 0);
  }

  #remainingMs({ restarts }: Container, { finishedMs }: EndedState): number {
    const remainingMs = finishedMs + restarts.delayMs - this.#deps.clock.now();
    // A change of the clock must not extend the delay.
    return Math.min(Math.max(remainingMs, 0), restarts.delayMs);
  }
}

function decide(
  { record, restarts }: Container,
  ended: Ended,
  { ranMs, engineStart }: Pick<RestartSituation, "ranMs" | "engineStart">,
): RestartDecision {
  return decideRestart({
    policy: parseRestartPolicy(record.hostConfig),
    exitCode: ended.exitCode,
    ranMs,
    restartCount: restarts.count,
    lastDelayMs: restarts.delayMs,
    manuallyStopped: restarts.byHand,
    engineStart,
  });
}
