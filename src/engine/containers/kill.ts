/**
 * @module
 * Signals to containers' first processes, and what goes with them: the event, and that a paused process has to go on to
 * get one.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { isErrno, type ProcessCalls } from "../../sys/mod.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { Container } from "../model/container.ts";
import type { Freezer } from "./freezer.ts";
import type { StartedProcess } from "./start.ts";
import { untilReceptive } from "./signal_readiness.ts";
import { parseSignal } from "../model/signals.ts";

const SIGKILL = 9;

export interface SignalSenderDeps {
  readonly processes: Pick<ProcessCalls, "pidfdSendSignal">;
  readonly freezer: Freezer;
  readonly events: ContainerEvents;
  readonly log: Log;
}

/** See the module's comment. */
export class SignalSender {
  readonly #deps: SignalSenderDeps;
  readonly #killed = new WeakSet<StartedProcess>();
  readonly #startedAtMs = new WeakMap<StartedProcess, number>();

  constructor(deps: SignalSenderDeps) {
    this.#deps = deps;
  }

  /** Notes that a process has begun to execute its program. */
  started(process: StartedProcess): void {
    this.#startedAtMs.set(process, performance.now());
  }

  /** Whether it was sent a SIGKILL from here. */
  hasKilled(process: StartedProcess): boolean {
    return this.#killed.has(process);
  }

  /**
   * Sends a signal; to a program that has only just begun once it would get it. A process that has just ended gets none.
   * The caller doesn't hold the container's lock.
   * @param limitMs longest time to wait for the program, in milliseconds; default: as long as it may need
   */
  async send(container: Container, process: StartedProcess, signal: number, limitMs?: number): Promise<void> {
    const { freezer, log } = this.#deps;
    const startedAtMs = this.#startedAtMs.get(process);
    if (startedAtMs !== undefined) await untilReceptive({ pid: process.pid, startedAtMs }, signal, limitMs);
    this.#send(container, process, signal);
    if (!wakes(container, signal)) return;
    const { isPaused } = container;
    // Also where a pause is just under way: its end must not keep a killed process.
    const thawed = freezer.thawInTurn(container);
    if (isPaused) return await thawed;
    thawed.catch((thrown) => {
      log.warn("unpausing for a signal failed", { container: container.id, error: toTsdError(thrown).message });
    });
  }

  /** SIGKILL, from where the container's lock is held. */
  async kill(container: Container, process: StartedProcess): Promise<void> {
    this.#send(container, process, SIGKILL);
    await this.#deps.freezer.thaw(container);
  }

  #send(container: Container, process: StartedProcess, signal: number): void {
    if (signal === SIGKILL) this.#killed.add(process);
    try {
      this.#deps.processes.pidfdSendSignal(process.pidFd.fd, signal);
    } catch (thrown) {
      // It has just ended by itself; its exit is on the way.
      if (!isErrno(thrown, "ESRCH")) throw thrown;
    }
    this.#deps.events.emit(container, "kill", { attributes: { signal: String(signal) } });
  }
}

/** Whether Docker lets a paused container go on for this signal: where it may be meant to end it. */
function wakes({ record }: Container, signal: number): boolean {
  const { StopSignal: stopSignal } = record.config;
  return signal === SIGKILL || !stopSignal || parseSignal(stopSignal) === signal;
}
