/**
 * @module
 * Supervises the tasks of containers, each from its start to its exit. The caller of `start` holds the container's
 * lock. Every state is stored before it is reported.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { Reaper } from "../../runtime/reaper.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { EventIntent } from "../events/event_bus.ts";
import type { OrphanedIntents } from "../events/orphaned_intents.ts";
import type { ContainerNetworks } from "../networks/container_networks.ts";
import { startFailureExitCode } from "./start_failure.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import {
  type Container,
  type ContainerState,
  type EndedState,
  NO_RESTARTS,
  type RestartHistory,
} from "../model/container.ts";
import { containerContext, startedContext } from "../model/hook_payloads.ts";
import { type ContainerRemover, failure } from "./remove.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { ContainerStarter, StartedProcess } from "./start.ts";
import type { PendingStdio } from "./pending_stdio.ts";
import type { OomWatch } from "./oom_watch.ts";
import type { RestartManager } from "./restart_manager.ts";
import type { SignalSender } from "./kill.ts";
import type { Waiters, WaitResult } from "./waiters.ts";
import type { ContainerHealth } from "./dependents.ts";

/** How long to wait for output after the process has exited, while other processes hold its streams, in ms. */
const OUTPUT_GRACE_MS = 2000;

/** Delays before a failed cleanup is repeated, in ms: too many files may be open for a while. */
const CLEAN_AGAIN_MS = [1_000, 10_000, 60_000];

/** The exit code of a container that could not be started, if nothing more is known. */
const UNKNOWN_FAILURE = 128;

/** The present task of a container, from its start to its exit. */
export interface Run {
  readonly process: StartedProcess;
  readonly io: ProcessStdio;
  /** Resolves once the exit is recorded and reported to waiters. */
  readonly exited: Promise<WaitResult>;
}

/** How an init process exited. */
export interface Exit extends WaitResult {
  /** The signal that killed it, if known. */
  readonly signal?: number | undefined;
}

export interface ContainerSupervisorDeps {
  readonly locks: KeyedLock;
  readonly table: ContainerTable;
  readonly launcher: Pick<ContainerStarter, "start">;
  readonly exits: Reaper;
  readonly log: Log;
  readonly hooks: HookBus;
  readonly events: ContainerEvents;
  readonly orphanedIntents: Pick<OrphanedIntents, "settle">;
  readonly signals: SignalSender;
  readonly oom: OomWatch;
  readonly health: Pick<ContainerHealth, "begin" | "end">;
  readonly restarts: Pick<RestartManager, "ended" | "cancel">;
  readonly waiters: Waiters;
  readonly networks: Pick<ContainerNetworks, "close">;
  readonly removals: Pick<ContainerRemover, "release" | "afterRun" | "remove">;
  readonly streams: PendingStdio;
}

/** Supervises the tasks of containers. */
export class ContainerSupervisor {
  readonly #deps: ContainerSupervisorDeps;
  readonly #log: Log;
  readonly #locks: KeyedLock;
  readonly #waiters: Waiters;
  readonly #runs = new Map<string, Run>();
  /** Exits whose output has not ended yet. */
  readonly #exits = new Map<string, Exit>();
  #isLeaving = false;

  constructor(deps: ContainerSupervisorDeps) {
    this.#deps = deps;
    this.#locks = deps.locks;
    this.#waiters = deps.waiters;
    this.#log = deps.log.scope("containers");
  }

  /** Returns the recorded task. The caller holds the container's lock. */
  current(container: Container): Run | undefined {
    return this.#runs.get(container.id);
  }

  /**
   * Returns the present task. Waits for a task that is being started, because a client may have seen its output
   * already.
   */
  async of(container: Container): Promise<Run | undefined> {
    const starting = container.isRunning && !this.#runs.has(container.id);
    if (starting) await this.#locks.run(container.id, () => Promise.resolve());
    return this.#runs.get(container.id);
  }

  /** Returns the streams of the present task, or those of the next one. */
  io(container: Container): ProcessStdio {
    return this.#runs.get(container.id)?.io ?? this.#deps.streams.of(container);
  }

  /** Exits that were noticed and are not recorded yet, by container. */
  get unrecordedExits(): Readonly<Record<string, Exit>> {
    return Object.fromEntries(this.#exits);
  }

  /** Resolves when all noticed exits are recorded and reported. */
  async idle(): Promise<void> {
    while (this.#exits.size > 0) {
      await Promise.allSettled([...this.#exits.keys()].map((id) => this.#runs.get(id)?.exited));
    }
  }

  /**
   * Leaves exits from now on to the next engine, which gets them from {@link unrecordedExits}, to record and to report.
   */
  leave(): void {
    this.#isLeaving = true;
  }

  /** Releases all processes, which keep running. */
  release(): void {
    for (const run of this.#runs.values()) run.process.pidFd[Symbol.dispose]();
  }

  /**
   * Starts a container. Returns false if it is running already.
   * @throws {TsdError} conflict and as `ContainerStarter`
   */
  async start(container: Container): Promise<boolean> {
    if (container.isPaused) {
      throw new TsdError("conflict", "cannot start a paused container, try unpause instead");
    }
    if (!container.canStart) return false;
    this.#deps.table.find(container.id);
    await this.#launch(container, NO_RESTARTS);
    return true;
  }

  /**
   * Starts a container for its restart policy, unless the restart was cancelled meanwhile.
   * @throws {TsdError} as `ContainerStarter`
   */
  async startAgain(id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      if (!this.#deps.table.has(id)) return;
      const container = this.#deps.table.find(id);
      if (container.isRestarting) await this.#launch(container, container.restarts);
    });
  }

  async #launch(container: Container, restarts: RestartHistory): Promise<void> {
    const { launcher, exits } = this.#deps;
    const { state: before } = container;
    // Clients that attach during the start attach to this task.
    const io = this.io(container);
    let process: StartedProcess | undefined;
    let intent: EventIntent | undefined;
    try {
      await launcher.start(container, io, (started) => {
        process = started;
        intent = this.#created(container, started, restarts);
      });
    } catch (thrown) {
      this.#deps.streams.taken(container);
      await this.#failed(container, before, thrown);
      intent?.drop();
      throw thrown;
    }
    const exited = exits.exit(process!.pid).then(({ exitCode, signal }): Exit => ({ exitCode, signal }));
    this.follow(container, process!, io, exited);
    this.#deps.streams.taken(container);
    intent!.publish();
    this.#deps.oom.begin(container);
    this.#deps.health.begin(container);
    this.#deps.hooks.callParallel("container.started", () => startedContext(container, process!.pid));
  }

  /** Records the task as running, once its process exists and before it executes the container's program. */
  #created(container: Container, { pid, startTicks }: StartedProcess, restarts: RestartHistory): EventIntent {
    const { table, events } = this.#deps;
    const state = { status: "running", startedMs: Date.now(), pid, startTicks, oomKills: 0 } as const;
    let intent!: EventIntent;
    table.setState(container, state, restarts, (trace) => intent = events.intend(container, "start", trace));
    return intent;
  }

  /** Records a failed start. The state of an earlier task stays. */
  async #failed(container: Container, before: ContainerState, thrown: unknown): Promise<void> {
    const error = toTsdError(thrown);
    const outcome = { exitCode: startFailureExitCode(error, UNKNOWN_FAILURE), error: error.message };
    if (before.status === "restarting") return this.#failedAgain(container, { ...before, ...outcome }, error);
    const state: ContainerState = before.status === "exited"
      ? { ...before, ...outcome }
      : { status: "created", ...outcome };
    this.#deps.table.setState(container, state);
    // No exit is reported, because there was none. Clients that wait for the next one keep waiting, as in Docker.
    if (container.record.hostConfig.AutoRemove) await this.#deps.removals.remove(container);
  }

  /** After a failed restart, gives up if the container is at fault, and tries again if the host is. */
  #failedAgain(container: Container, before: EndedState, { meaning }: TsdError): void {
    const { status: _, ...ended } = before;
    if (meaning.http >= 500) this.#deps.restarts.ended(container, ended, { ranMs: 0 });
    else this.#deps.table.setState(container, { ...ended, status: "exited" });
    if (!container.isRestarting) this.#waiters.exited(container.id, { exitCode: before.exitCode });
  }

  /** Follows a task to its end: exit and end of output, release, state, waiters, cleanup. */
  follow(container: Container, process: StartedProcess, io: ProcessStdio, exit: Promise<Exit>): void {
    const { oom, signals } = this.#deps;
    signals.started(process);
    const exited = exit.then(async (ending) => {
      const { signal, ...result } = ending;
      this.#exits.set(container.id, ending);
      const oomKilled = oom.end(container, { signal, byEngine: signals.hasKilled(process) });
      void this.#deps.health.end(container);
      await this.#tried(container, [io.finish(OUTPUT_GRACE_MS), this.#deps.networks.close(container.id)]);
      if (!this.#isLeaving) await this.#tried(container, [this.#deps.removals.release(container)]);
      if (this.#isLeaving) return await new Promise<never>(() => {});
      this.#runs.delete(container.id);
      process.pidFd[Symbol.dispose]();
      // The cleanup takes the lock before a client that learns of the exit can start the container again.
      this.#cleanLater(container);
      this.ended(container, result, oomKilled);
      this.#exits.delete(container.id);
      return result;
    });
    this.#runs.set(container.id, { process, io, exited });
    exited.catch((thrown) => this.#log.error("following a container failed", failure(container, thrown)));
  }

  /** Runs steps whose failure must not prevent the exit from being recorded. */
  async #tried(container: Container, steps: readonly Promise<unknown>[]): Promise<void> {
    for (const step of await Promise.allSettled(steps)) {
      if (step.status === "rejected") {
        this.#log.error("ending a container's run failed", failure(container, step.reason));
      }
    }
  }

  /** Records and reports an exit. */
  ended(container: Container, { exitCode, error = "" }: WaitResult, oomKilled = false): void {
    const { state } = container;
    const startedMs = state.status === "created" ? Date.now() : state.startedMs;
    const finishedMs = Date.now();
    const ranMs = finishedMs - startedMs;
    const attributes = { exitCode: String(exitCode), execDuration: String(Math.floor(ranMs / 1000)) };
    const telling = this.#deps.events.telling(container, "die", { attributes });
    this.#deps.restarts.ended(container, { startedMs, finishedMs, exitCode, error, oomKilled }, { recording: telling });
    // A stop that was requested of the previous engine has completed; one requested of this engine is reported by its
    // request.
    this.#deps.orphanedIntents.settle("container", "stop", container.id, true);
    this.#waiters.exited(container.id, error === "" ? { exitCode } : { exitCode, error });
    const how = { exitCode, ranMs, oomKilled };
    this.#deps.hooks.callParallel("container.exited", () => ({ ...containerContext(container), ...how }));
  }

  /**
   * Cancels a pending restart, and notifies those who wait for an exit. The caller holds the container's lock. Returns
   * whether there was one.
   */
  cancel(container: Container): boolean {
    const { state } = container;
    if (state.status !== "restarting" || !this.#deps.restarts.cancel(container)) return false;
    this.#waiters.exited(container.id, { exitCode: state.exitCode });
    return true;
  }

  #cleanLater(container: Container, [nextMs, ...laterMs] = CLEAN_AGAIN_MS): void {
    const clean = async () => {
      if (!container.isRunning) await this.#deps.removals.afterRun(container);
    };
    void this.#locks.run(container.id, clean).catch((thrown) => {
      this.#log.error("cleaning up after a container failed", failure(container, thrown));
      if (nextMs !== undefined) Deno.unrefTimer(setTimeout(() => this.#cleanLater(container, laterMs), nextMs));
    });
  }
}
