/**
 * @module
 * What can be done with containers. Steps on one container come one after another (`KeyedLock`); waiting for an exit
 * holds no lock.
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
/** How long a process may take to end of a SIGKILL before that is said, in ms. */
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

/** See the module's comment. */
export class ContainerService {
  readonly #deps: ContainerServiceDeps;

  constructor(deps: ContainerServiceDeps) {
    this.#deps = deps;
  }

  /** Whether a container runs, or waits for its restart. */
  get isBusy(): boolean {
    return this.#deps.table.list().some(({ isActive }) => isActive);
  }

  /** Says whether it was started (false: it runs already). @throws {TsdError} container_not_found and as `ContainerStarter` */
  start(nameOrId: string): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    return this.#deps.locks.run(container.id, () => this.#deps.runs.start(container));
  }

  /** Asks the process to end, then kills it. False: it doesn't run. */
  async stop(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    const { config } = container.record;
    const signal = options.signal ?? config.StopSignal ?? String(SIGTERM);
    // Before anything happens; of what doesn't run nothing is refused, as in Docker.
    if (container.canKill) parseSignal(signal);
    if (!container.canKill) return false;
    const { events, orphanedIntents } = this.#deps;
    // What a client asked the engine before for, and asks this one for, is told once.
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
    // -1 (and all below) waits for ever, as in Docker.
    const limitMs = seconds >= 0 ? seconds * 1000 : undefined;
    await this.#deps.signals.send(container, run.process, signal, limitMs);
    if (limitMs !== undefined && !(await settledWithin(run.exited, limitMs))) {
      await this.#deps.signals.send(container, run.process, SIGKILL);
    }
    await run.exited;
  }

  /** The run that is to be ended. A restart that is pending is called off instead. Undefined: there is nothing to end. */
  async #runToEnd(container: Container): Promise<Run | "called off" | undefined> {
    const { runs, locks } = this.#deps;
    for (;;) {
      const run = await runs.of(container);
      if (run !== undefined || !container.isRestarting) return run;
      // When it comes to nothing, the restart was quicker: there is a run now.
      if (await locks.run(container.id, () => Promise.resolve(runs.cancel(container)))) return "called off";
    }
  }

  /**
   * Sends a signal; after a SIGKILL the process has ended when this resolves. @throws {TsdError} not_running, timeout
   * @param options.byHand whether a signal that is there to end it ends its restarts too; default true
   */
  async kill(nameOrId: string, signal = "KILL", { byHand = true } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    const number = parseSignal(signal);
    const isEnd = byHand && endsManually(number, container.record.config.StopSignal);
    const run = await (isEnd ? this.#runToEnd(container) : this.#deps.runs.of(container));
    // Of a container that waits for its restart there is no process, which is no mistake of the caller's.
    if (run === "called off" || (run === undefined && container.isRestarting)) return;
    if (run === undefined) return void container.running();
    if (isEnd) this.#deps.restarts.stoppedManually(container);
    await this.#deps.signals.send(container, run.process, number);
    if (number !== SIGKILL || await settledWithin(run.exited, KILL_LIMIT_MS)) return;
    throw new TsdError("timeout", "tried to kill container, but did not receive an exit event");
  }

  /** Stops it if it runs, and starts it; it isn't removed between the two. @throws {TsdError} as `start` */
  async restart(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    {
      using _kept = this.#deps.removals.keep(container);
      await this.stop(container.id, options);
      await this.start(container.id);
    }
    this.#deps.events.emit(container, "restart");
  }

  /** The container's next end; see {@link WaitCondition}. Listening has begun when this returns. */
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

  /** @throws {TsdError} conflict (it runs, and not `force`) */
  remove(nameOrId: string, options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    return this.#deps.locks.run(container.id, async () => {
      // Somebody else may have removed it while this waited its turn.
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
      // Also what an earlier clean-up that failed has left.
      await this.#deps.removals.clean(container);
      await this.#deps.removals.remove(container, { volumes: options.volumes ?? false });
    });
  }

  /** The streams of the present run, or of the next one. */
  io(container: Container): ProcessStdio {
    return this.#deps.runs.io(container);
  }

  /** Waits until no step is under way. */
  idle(): Promise<void> {
    return this.#deps.locks.idle();
  }

  /** Waits until nothing is under way; containers run on. */
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
