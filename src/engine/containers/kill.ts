/**
 * @module
 * Sends signals to the init processes of containers, emits the events, and resumes a paused container that has to
 * receive one.
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

/** Sends signals to the init processes of containers. */
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

  /** Returns whether this engine has sent the process a SIGKILL. */
  hasKilled(process: StartedProcess): boolean {
    return this.#killed.has(process);
  }

  /**
   * Sends a signal. To a program that has just been started, it is sent once the program can receive it. A process that
   * has just exited gets none. The caller must not hold the container's lock.
   * @param limitMs maximum time to wait for the program, in ms. Default: no limit
   */
  async send(container: Container, process: StartedProcess, signal: number, limitMs?: number): Promise<void> {
    const { freezer, log } = this.#deps;
    const startedAtMs = this.#startedAtMs.get(process);
    if (startedAtMs !== undefined) await untilReceptive({ pid: process.pid, startedAtMs }, signal, limitMs);
    this.#send(container, process, signal);
    if (!wakes(container, signal)) return;
    const { isPaused } = container;
    // Also if a pause is in progress: a killed process must not stay frozen.
    const thawed = freezer.thawInTurn(container);
    if (isPaused) return await thawed;
    thawed.catch((thrown) => {
      log.warn("unpausing for a signal failed", { container: container.id, error: toTsdError(thrown).message });
    });
  }

  /** Sends SIGKILL. The caller holds the container's lock. */
  async kill(container: Container, process: StartedProcess): Promise<void> {
    this.#send(container, process, SIGKILL);
    await this.#deps.freezer.thaw(container);
  }

  #send(container: Container, process: StartedProcess, signal: number): void {
    if (signal === SIGKILL) this.#killed.add(process);
    try {
      this.#deps.processes.pidfdSendSignal(process.pidFd.fd, signal);
    } catch (thrown) {
      // It has just exited by itself, and its exit will be reported.
      if (!isErrno(thrown, "ESRCH")) throw thrown;
    }
    this.#deps.events.emit(container, "kill", { attributes: { signal: String(signal) } });
  }
}

/** Returns whether a signal resumes a paused container, as in Docker: if it may be meant to end it. */
function wakes({ record }: Container, signal: number): boolean {
  const { StopSignal: stopSignal } = record.config;
  return signal === SIGKILL || !stopSignal || parseSignal(stopSignal) === signal;
}
