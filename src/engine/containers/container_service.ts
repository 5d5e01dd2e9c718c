/**
 * @module
 * Starts, stops, kills, restarts, removes and waits for containers. Operations on one container run one after another
 * (`KeyedLock`); waiting for an exit holds no lock.
 */
import type { WaitCondition } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { OrphanedIntents } from "../events/orphaned_intents.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type Container, isLive } from "../model/container.ts";
import type { ContainerRemover } from "./remove.ts";
import type { ContainerSupervisor, Run } from "./supervisor.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { endsManually } from "../model/restart_policy.ts";
import type { RestartManager } from "./restart_manager.ts";
import type { SignalSender } from "./kill.ts";
import { parseSignal } from "../model/signals.ts";
import type { Waiters, WaitResult } from "./waiters.ts";

const DEFAULT_STOP_SECONDS = 10;
/** How long a process may take to exit after SIGKILL before an error is reported, in ms. */
const KILL_LIMIT_MS = 12_000;
const SIGKILL = 9;
const SIGTERM = 15;

export interface ContainerServiceDeps {
  readonly locks: KeyedLock;
  readonly table: ContainerTable;
  readonly runs: ContainerSupervisor;
  readonly removals: Pick<ContainerRemover, "keep" | "announce" | "clean" | "remove">;
  readonly events: ContainerEvents;
  readonly orphanedIntents: Pick<OrphanedIntents, "take">;
  readonly signals: SignalSender;
  readonly restarts: Pick<RestartManager, "stoppedManually">;
  readonly waiters: Waiters;
}

/** The operations on containers. Each takes a name or an id. */
export class ContainerService {
  readonly #deps: ContainerServiceDeps;

  constructor(deps: ContainerServiceDeps) {
    this.#deps = deps;
  }

  /** Whether any container runs, or its restart policy is about to start it. */
  get isBusy(): boolean {
    return this.#deps.table.list().some(({ isActive }) => isActive);
  }

  /**
   * Starts a container. Returns false if it is running already.
   * @throws {TsdError} container_not_found and as `ContainerStarter`
   */
  start(nameOrId: string): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    return this.#deps.locks.run(container.id, () => this.#deps.runs.start(container));
  }

  /**
   * Sends the stop signal, and SIGKILL after the timeout. Returns false if the container is not running.
   * @param options.seconds the timeout; negative means none. Default: the container's, else Docker's
   * @param options.signal default: the container's STOPSIGNAL, else SIGTERM
   * @throws {TsdError} container_not_found, invalid_argument (unknown signal)
   */
  async stop(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    const { config } = container.record;
    const signal = options.signal ?? config.StopSignal ?? String(SIGTERM);
    // Validated first, but not for a container that does not run, as in Docker.
    if (container.canKill) parseSignal(signal);
    if (!container.canKill) return false;
    const { events, orphanedIntents } = this.#deps;
    // The previous engine may have recorded the request of the same client: its event is emitted once.
    const intent = orphanedIntents.take("container", "stop", container.id) ?? events.intend(container, "stop");
    using undo = new DisposableStack();
    undo.defer(() => intent.drop());
    const run = await this.#runToEnd(container);
    if (run === undefined) return false;
    using _announced = this.#deps.removals.announce(container);
    const seconds = options.seconds ?? config.StopTimeout ?? DEFAULT_STOP_SECONDS;
    if (run !== "called off") await this.#stopRun(container, run, parseSignal(signal), seconds);
    undo.move();
    intent.publish();
    return true;
  }

  async #stopRun(container: Container, run: Run, signal: number, seconds: number): Promise<void> {
    this.#deps.restarts.stoppedManually(container);
    // A negative number waits without limit, as in Docker.
    const limitMs = seconds >= 0 ? seconds * 1000 : undefined;
    await this.#deps.signals.send(container, run.process, signal, limitMs);
    if (limitMs !== undefined && !(await settledWithin(run.exited, limitMs))) {
      await this.#deps.signals.send(container, run.process, SIGKILL);
    }
    await run.exited;
  }

  /** Returns the task that is to end. Cancels a pending restart instead. Returns undefined if there is neither. */
  async #runToEnd(container: Container): Promise<Run | "called off" | undefined> {
    const { runs, locks } = this.#deps;
    for (;;) {
      const run = await runs.of(container);
      if (run !== undefined || !container.isRestarting) return run;
      // If there is nothing to cancel, the restart was faster, and there is a task now.
      if (await locks.run(container.id, () => Promise.resolve(runs.cancel(container)))) return "called off";
    }
  }

  /**
   * Sends a signal to the init process. After SIGKILL the process has exited when this resolves.
   * @param options.byHand whether a signal that ends processes also ends restarts by the policy. Default: true
   * @throws {TsdError} container_not_found, invalid_argument, not_running, timeout
   */
  async kill(nameOrId: string, signal = "KILL", { byHand = true } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    const number = parseSignal(signal);
    const isEnd = byHand && endsManually(number, container.record.config.StopSignal);
    const run = await (isEnd ? this.#runToEnd(container) : this.#deps.runs.of(container));
    // A container that waits for its restart has no process, which is not the caller's mistake.
    if (run === "called off" || (run === undefined && container.isRestarting)) return;
    if (run === undefined) return void container.running();
    if (isEnd) this.#deps.restarts.stoppedManually(container);
    await this.#deps.signals.send(container, run.process, number);
    if (number !== SIGKILL || await settledWithin(run.exited, KILL_LIMIT_MS)) return;
    throw new TsdError("timeout", "tried to kill container, but did not receive an exit event");
  }

  /** Stops a running container, and starts it. It cannot be removed in between. @throws {TsdError} as `start` */
  async restart(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    {
      using _kept = this.#deps.removals.keep(container);
      await this.stop(container.id, options);
      await this.start(container.id);
    }
    this.#deps.events.emit(container, "restart");
  }

  /** Waits for an exit; see {@link WaitCondition}. Exits are noticed from the moment this returns. */
  wait(nameOrId: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    const removed = condition === "removed" ? this.#deps.waiters.recentlyRemoved(nameOrId) : undefined;
    if (removed !== undefined) return Promise.resolve(removed);
    const container = this.#deps.table.find(nameOrId);
    const { state } = container;
    if (condition === "not-running" && !isLive(state) && state.status !== "restarting") {
      return Promise.resolve({ exitCode: state.exitCode });
    }
    return this.#deps.waiters.wait(container.id, condition, signal);
  }

  /** Removes a container. @throws {TsdError} container_not_found, conflict (it is running, without `force`) */
  remove(nameOrId: string, options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    return this.#deps.locks.run(container.id, async () => {
      // Another request may have removed it while this one waited for the lock.
      this.#deps.table.find(container.id);
      if (!container.canRemove && !options.force) {
        const { status } = container.state;
        const why = status === "paused"
          ? "paused and must be unpaused first"
          : `${status}: stop the container before removing or force remove`;
        throw new TsdError("conflict", `cannot remove container ${JSON.stringify(nameOrId)}: container is ${why}`);
      }
      this.#deps.runs.cancel(container);
      const run = this.#deps.runs.current(container);
      if (run !== undefined) {
        this.#deps.restarts.stoppedManually(container);
        await this.#deps.signals.kill(container, run.process);
        await run.exited;
      }
      // Also removes what an earlier cleanup that failed has left.
      await this.#deps.removals.clean(container);
      await this.#deps.removals.remove(container, { volumes: options.volumes ?? false });
    });
  }

  /** Returns the streams of the task, or those of the next one. */
  io(container: Container): ProcessStdio {
    return this.#deps.runs.io(container);
  }

  /** Resolves when no operation is in progress. */
  idle(): Promise<void> {
    return this.#deps.locks.idle();
  }

  /** Resolves when nothing is in progress. Containers keep running. */
  async settle(): Promise<void> {
    await this.idle();
    this.#deps.runs.release();
  }
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
