/**
 * @module
 * What can be done with containers. Steps on one container come one after another (`KeyedLock`); waiting for an exit
 * holds no lock. Every state is written to the database before anybody hears of it.
 */
import type { WaitCondition } from "../../api/wire/mod.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { ExitLoop } from "../../runtime/exit_loop.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import type { ProcessIo } from "../../runtime/process_io.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { Snapshotter } from "../../store/ports.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import { namesIn, removeTree } from "../folders.ts";
import type { KeyedLock } from "../keyed_lock.ts";
import { containerPaths, type EnginePaths, runtimeRoot } from "../paths.ts";
import { type Container, type ContainerState, isLive } from "./container.ts";
import { containerContext } from "./container_creator.ts";
import type { ContainerTable } from "./container_table.ts";
import type { Freezer } from "./freezer.ts";
import type { Launcher, StartedProcess } from "./launcher.ts";
import type { OomWatch } from "./oom_watch.ts";
import type { Signaller } from "./signaller.ts";
import { parseSignal } from "./signals.ts";
import { Waiters, type WaitResult } from "./waiters.ts";

/** How long output may go on after the process has exited, while others hold its streams, in ms. */
const OUTPUT_GRACE_MS = 2000;
const DEFAULT_STOP_SECONDS = 10;
/** How long a process may take to end of a SIGKILL before that is said, in ms. */
const KILL_LIMIT_MS = 12_000;
const SIGKILL = 9;
const SIGTERM = 15;

/** A container's present run, from its start to the end of its clean-up. */
interface Run {
  readonly process: StartedProcess;
  readonly io: ProcessIo;
  /** Resolves once the state says so and waiters were told. */
  readonly exited: Promise<WaitResult>;
}

/** How a first process ended. */
interface Exit extends WaitResult {
  /** The signal that killed it, if that is known. */
  readonly signal?: number | undefined;
}

/** How a process that a former engine started is found again. */
export interface AdoptionCalls {
  /** A descriptor for the very process that was recorded, or undefined when that one has ended. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** Resolves when the process behind the descriptor has ended. */
  readonly watchExit: (pidFd: number) => Promise<void>;
}

export interface ContainerServiceDeps {
  readonly locks: KeyedLock;
  readonly table: ContainerTable;
  readonly snapshots: Snapshotter;
  readonly launcher: Launcher;
  readonly runtime: Pick<OciRuntime, "isWaiting">;
  readonly exits: ExitLoop;
  /** Resolves when no exec is just being started in a container. */
  readonly execs: { settled(containerId: string): Promise<void> };
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly hooks: HookBus;
  readonly events: ContainerEvents;
  readonly freezer: Pick<Freezer, "reconcile">;
  readonly signaller: Signaller;
  readonly oom: OomWatch;
  /** New streams for a container's next run. */
  readonly newIo: (container: Container) => ProcessIo;
}

/** See the module's comment. */
export class ContainerService {
  readonly #deps: ContainerServiceDeps;
  readonly #log: Log;
  readonly #locks: KeyedLock;
  readonly #waiters = new Waiters();
  readonly #runs = new Map<string, Run>();
  readonly #nextIo = new Map<string, ProcessIo>();
  /** Containers between the two halves of a restart. */
  readonly #restarting = new Set<string>();

  constructor(deps: ContainerServiceDeps) {
    this.#deps = deps;
    this.#locks = deps.locks;
    this.#log = deps.log.scope("containers");
  }

  /** Containers that run. */
  get runningCount(): number {
    return this.#runs.size;
  }

  /** Says whether it was started (false: it runs already). @throws {TsdError} container_not_found and as `Launcher` */
  start(nameOrId: string): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    return this.#locks.run(container.id, () => this.#start(container));
  }

  /** Asks the process to end, then kills it. False: it doesn't run. */
  async stop(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<boolean> {
    const container = this.#deps.table.find(nameOrId);
    const { config } = container.record;
    const signal = parseSignal(options.signal ?? config.StopSignal ?? String(SIGTERM));
    const seconds = options.seconds ?? config.StopTimeout ?? DEFAULT_STOP_SECONDS;
    const run = await this.#runOf(container);
    if (run === undefined) return false;
    await this.#deps.signaller.send(container, run.process, signal);
    // -1 waits for ever, as in Docker.
    if (seconds >= 0 && !(await settledWithin(run.exited, seconds * 1000))) {
      await this.#deps.signaller.send(container, run.process, SIGKILL);
    }
    await run.exited;
    this.#deps.events.tell(container, "stop");
    return true;
  }

  /** Sends a signal; after a SIGKILL the process has ended when this resolves. @throws {TsdError} not_running, timeout */
  async kill(nameOrId: string, signal = "KILL"): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    const number = parseSignal(signal);
    const run = await this.#runOf(container);
    if (run === undefined) return void container.running(`cannot kill container: ${nameOrId}`);
    await this.#deps.signaller.send(container, run.process, number);
    if (number !== SIGKILL || await settledWithin(run.exited, KILL_LIMIT_MS)) return;
    throw new TsdError("timeout", "tried to kill container, but did not receive an exit event");
  }

  /** Stops it if it runs, and starts it; it isn't removed between the two. @throws {TsdError} as `start` */
  async restart(nameOrId: string, options: { seconds?: number; signal?: string } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    this.#restarting.add(container.id);
    try {
      await this.stop(container.id, options);
      await this.start(container.id);
    } finally {
      this.#restarting.delete(container.id);
    }
    this.#deps.events.tell(container, "restart");
  }

  /** The container's next end; see {@link WaitCondition}. Listening has begun when this returns. */
  wait(nameOrId: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    const container = this.#deps.table.find(nameOrId);
    const { state } = container;
    if (condition === "not-running" && !isLive(state)) {
      return Promise.resolve({ exitCode: state.exitCode });
    }
    return this.#waiters.wait(container.id, condition, signal);
  }

  /** @throws {TsdError} conflict (it runs, and not `force`) */
  remove(nameOrId: string, options: { force?: boolean } = {}): Promise<void> {
    const container = this.#deps.table.find(nameOrId);
    return this.#locks.run(container.id, async () => {
      // Somebody else may have removed it while this waited its turn.
      this.#deps.table.find(container.id);
      const run = this.#runs.get(container.id);
      if (run !== undefined) {
        if (!options.force) {
          throw new TsdError(
            "conflict",
            `cannot remove container "/${container.name}": container is running: ` +
              "stop the container before removing or force remove",
          );
        }
        await this.#deps.signaller.kill(container, run.process);
        await run.exited;
      }
      // Also what an earlier clean-up that failed has left.
      await this.#clean(container);
      await this.#remove(container);
    });
  }

  /** The streams of the present run, or of the next one. */
  io(container: Container): ProcessIo {
    const running = this.#runs.get(container.id)?.io;
    if (running !== undefined) return running;
    let io = this.#nextIo.get(container.id);
    if (io === undefined) this.#nextIo.set(container.id, io = this.#deps.newIo(container));
    return io;
  }

  /** Takes up what a former engine left: containers that live go on, the others have ended; half steps are undone. */
  async adopt(calls: AdoptionCalls): Promise<void> {
    const { table, snapshots, paths } = this.#deps;
    const furnished = new Set(await snapshots.list());
    const touched = new Set(await foldersOfRuns(paths));
    for (const container of table.list()) {
      try {
        if (container.isRunning) await this.#adoptRunning(container, calls);
        else if (isUntouched(container) && !furnished.has(container.id)) await this.#remove(container);
        else await this.#adoptStopped(container, touched.has(container.id));
      } catch (thrown) {
        // One that can't be cleaned up is no reason not to serve the others.
        this.#log.error("taking up a container failed", failure(container, thrown));
      }
    }
  }

  /** Waits until nothing is under way; containers run on. */
  async settle(): Promise<void> {
    await this.#locks.idle();
    for (const run of this.#runs.values()) run.process.pidFd[Symbol.dispose]();
  }

  async #adoptRunning(container: Container, { watchExit, open }: AdoptionCalls): Promise<void> {
    const { state } = container;
    if (!isLive(state)) return;
    const pidFd = open(state.pid, state.startTicks);
    if (pidFd === undefined || await this.#deps.runtime.isWaiting(container.id)) {
      pidFd?.[Symbol.dispose]();
      this.#finished(container, pidFd === undefined ? LOST : NOT_STARTED);
      return await this.#adoptStopped(container, true);
    }
    const io = this.#deps.newIo(container);
    await io.reopen({}).catch((thrown) => {
      this.#log.warn("a container's output can't be taken up again", failure(container, thrown));
    });
    const process = { pid: state.pid, startTicks: state.startTicks, pidFd };
    this.#deps.freezer.reconcile(container);
    this.#deps.oom.begin(container, "found");
    this.#follow(container, process, io, watchExit(pidFd.fd).then(() => LOST));
  }

  async #adoptStopped(container: Container, isTouched: boolean): Promise<void> {
    if (isTouched) await this.#clean(container);
    if (container.state.status === "exited" && container.record.hostConfig.AutoRemove) await this.#remove(container);
  }

  /** The present run. A process that is just being started counts: its output may have told somebody that it is there. */
  async #runOf(container: Container): Promise<Run | undefined> {
    const starting = container.isRunning && !this.#runs.has(container.id);
    if (starting) await this.#locks.run(container.id, () => Promise.resolve());
    return this.#runs.get(container.id);
  }

  async #start(container: Container): Promise<boolean> {
    const { table, launcher, exits } = this.#deps;
    if (container.isPaused) {
      throw new TsdError("conflict", "cannot start a paused container, try unpause instead");
    }
    if (container.isRunning) return false;
    table.find(container.id);
    const { state: before } = container;
    const io = this.io(container);
    this.#nextIo.delete(container.id);
    let process: StartedProcess | undefined;
    try {
      await launcher.start(container, io, (started) => {
        process = started;
        const { pid, startTicks } = started;
        table.setState(container, { status: "running", startedMs: Date.now(), pid, startTicks });
      });
    } catch (thrown) {
      await this.#failed(container, before, thrown);
      throw thrown;
    }
    const exited = exits.exit(process!.pid).then(({ exitCode, signal }): Exit => ({ exitCode, signal }));
    this.#follow(container, process!, io, exited);
    this.#deps.events.tell(container, "start");
    this.#deps.oom.begin(container, "started");
    this.#deps.hooks.tell("container.started", () => ({ ...containerContext(container), pid: process!.pid }));
    return true;
  }

  /** A start came to nothing: a container that ran earlier has still run then. */
  async #failed(container: Container, before: ContainerState, thrown: unknown): Promise<void> {
    const error = toTsdError(thrown);
    const outcome = { exitCode: error.meaning.exit, error: error.message };
    const state: ContainerState = before.status === "exited"
      ? { ...before, ...outcome }
      : { status: "created", ...outcome };
    this.#deps.table.setState(container, state);
    // Nobody is told of an exit: there was none. Whoever waits for the next one goes on waiting, as in Docker.
    if (container.record.hostConfig.AutoRemove) await this.#remove(container);
  }

  /** Sees a run through: end of process and of output, state, waiters, clean-up. */
  #follow(container: Container, process: StartedProcess, io: ProcessIo, exit: Promise<Exit>): void {
    const { oom, signaller } = this.#deps;
    const exited = exit.then(async ({ signal, ...result }) => {
      const oomKilled = oom.end(container, { signal, byEngine: signaller.hasKilled(process) });
      await io.finish(OUTPUT_GRACE_MS);
      this.#runs.delete(container.id);
      process.pidFd[Symbol.dispose]();
      // The clean-up takes its place before anybody who heard of the exit can start the container again.
      this.#cleanLater(container);
      this.#finished(container, result, oomKilled);
      return result;
    });
    this.#runs.set(container.id, { process, io, exited });
    exited.catch((thrown) => this.#log.error("following a container failed", failure(container, thrown)));
  }

  #finished(container: Container, { exitCode, error = "" }: WaitResult, oomKilled = false): void {
    const { state } = container;
    const startedMs = state.status === "created" ? Date.now() : state.startedMs;
    const finishedMs = Date.now();
    const ranMs = finishedMs - startedMs;
    this.#deps.table.setState(container, { status: "exited", startedMs, finishedMs, exitCode, error, oomKilled });
    const attributes = { exitCode: String(exitCode), execDuration: String(Math.floor(ranMs / 1000)) };
    this.#deps.events.tell(container, "die", { attributes });
    this.#waiters.exited(container.id, error === "" ? { exitCode } : { exitCode, error });
    this.#deps.hooks.tell("container.exited", () => ({ ...containerContext(container), exitCode, ranMs }));
  }

  #cleanLater(container: Container): void {
    void this.#locks.run(container.id, async () => {
      if (!this.#deps.table.has(container.id)) return;
      await this.#clean(container);
      if (container.record.hostConfig.AutoRemove && !this.#restarting.has(container.id)) await this.#remove(container);
    }).catch((thrown) => this.#log.error("cleaning up after a container failed", failure(container, thrown)));
  }

  async #clean(container: Container): Promise<void> {
    await this.#deps.execs.settled(container.id);
    await this.#deps.launcher.clean(container);
  }

  async #remove(container: Container): Promise<void> {
    const { table, snapshots, paths } = this.#deps;
    const { state } = container;
    await snapshots.remove(container.id);
    await removeTree(containerPaths(paths, container.id).home);
    table.remove(container);
    await this.#nextIo.get(container.id)?.discard();
    this.#nextIo.delete(container.id);
    this.#deps.hooks.tell("container.removed", () => containerContext(container));
    this.#deps.events.tell(container, "destroy");
    this.#waiters.removed(container.id, { exitCode: isLive(state) ? 0 : state.exitCode });
  }
}

/** Ids for which there is a run folder, the first thing of a run, or something that the runtime keeps. */
async function foldersOfRuns(paths: EnginePaths): Promise<string[]> {
  const [folders, kept] = await Promise.all([`${paths.runDir}/containers`, runtimeRoot(paths)].map(namesIn));
  return [...folders!, ...kept!];
}

/** What is known of a process that ended while no engine watched. */
const LOST: WaitResult = {
  exitCode: 255,
  error: "the engine was away when the process ended; its exit code is unknown",
};

/** The engine was killed between making the process and starting it. */
const NOT_STARTED: WaitResult = { exitCode: 255, error: "the engine was killed before it had started the container" };

/** Created, and no start was tried: an engine that was killed meanwhile told nobody of it. */
function isUntouched({ state }: Container): boolean {
  return state.status === "created" && state.error === "";
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

const failure = (container: Container, thrown: unknown) => ({
  container: container.id,
  error: toTsdError(thrown).message,
});
