/**
 * @module
 * Restart policies at work: what follows the end of a container's run, and what an engine starts when it comes up. Every
 * decision is in the database before its time runs, so that the next engine goes on where a killed one was.
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
  /** Starts a container whose time has come; it takes the container's lock and looks again at its state. */
  readonly start: (id: string) => Promise<void>;
}

/** See the module's comment. Disposing of it keeps what is pending for the next engine. */
export class RestartManager implements Disposable {
  readonly #deps: RestartManagerDeps;
  readonly #restarter: RestartTimers;
  #hasStarted = false;

  constructor(deps: RestartManagerDeps) {
    this.#deps = deps;
    this.#restarter = new RestartTimers(deps);
  }

  /**
   * A run has ended: records what has become of the container, and plans its restart if its policy wants one.
   * @param options.ranMs how long the run took; 0 for a restart that came to nothing
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

  /** Somebody is about to end it: its policy won't start it again. */
  stoppedManually(container: Container): void {
    const { name } = parseRestartPolicy(container.record.hostConfig);
    if (name !== "no" && !container.restarts.byHand) this.#deps.table.stoppedManually(container);
  }

  /** Calls a pending restart off; whoever asks holds the container's lock. Says whether there was one. */
  cancel(container: Container): boolean {
    const { state } = container;
    this.#restarter.cancel(container.id);
    if (state.status !== "restarting") return false;
    this.#deps.table.setState(container, { ...state, status: "exited" }, { ...container.restarts, byHand: true });
    return true;
  }

  /**
   * From now on containers are started. All that a former engine left has been taken up.
   * @param engineStart whether this counts as the engine's start, at which policies look at all containers: after a boot,
   * and for an engine that runs as a service. One that comes and goes on demand goes on with what is pending.
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

  /** As if somebody had started it, for all that its policy wants to run. */
  #startAnew(container: Container, state: EndedState): void {
    if (state.status === "exited" && !decide(container, state, { ranMs: 0, engineStart: true }).restart) return;
    this.#deps.table.setState(container, { ...state, status: "restarting" }, NO_RESTARTS);
    this.#restarter.schedule(container.id, 0);
  }

  #remainingMs({ restarts }: Container, { finishedMs }: EndedState): number {
    const remainingMs = finishedMs + restarts.delayMs - this.#deps.clock.now();
    // A clock that was set must not make it wait for ever.
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
