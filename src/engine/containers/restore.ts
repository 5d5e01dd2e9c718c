/**
 * @module
 * Restores what the previous engine left: follows tasks that still run, records the exits of the others, and undoes or
 * completes interrupted operations.
 */
import type { Log } from "../../log.ts";
import type { FdHolderRef } from "../../runtime/fd_holder.ts";
import type { ProcessStdio, RetainedStreams } from "../../runtime/stdio.ts";
import type { Snapshotter } from "../../store/driver.ts";
import type { OwnedFd, ProcessExit } from "../../sys/mod.ts";
import type { OrphanedIntents } from "../events/orphaned_intents.ts";
import { namesIn } from "../directories.ts";
import type { EnginePaths } from "../paths.ts";
import { type Runtimes, stateRoots } from "./runtimes.ts";
import { type Container, isLive } from "../model/container.ts";
import { type ContainerRemover, failure } from "./remove.ts";
import type { ContainerSupervisor, Exit } from "./supervisor.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { Freezer } from "./freezer.ts";
import type { FdHolders } from "./fd_holders.ts";
import type { StartedProcess } from "./start.ts";
import type { OomWatch } from "./oom_watch.ts";
import type { WaitResult } from "./waiters.ts";
import type { ContainerHealth } from "./dependents.ts";

/** The operations that find processes of the previous engine. */
export interface RestoreCalls {
  /** Opens a pidfd of the recorded process; undefined if it has exited. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** Returns whether a process is in a cgroup with this name. */
  readonly isInCgroup: (pid: number, name: string) => boolean;
  /** Resolves to how a process exits or has exited; to undefined if that is unknown. */
  readonly exit: (process: StartedProcess) => Promise<ProcessExit | undefined>;
  /** Exits that were known before a re-execution, by container. */
  readonly knownExits: Readonly<Record<string, Exit>>;
}

export interface RestoreDeps extends RestoreCalls {
  readonly runs: ContainerSupervisor;
  readonly removals: Pick<ContainerRemover, "clean" | "remove">;
  readonly table: ContainerTable;
  readonly snapshots: Snapshotter;
  readonly runtimes: Pick<Runtimes, "ofIfKnown">;
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly orphanedIntents: Pick<OrphanedIntents, "has" | "settle">;
  readonly freezer: Pick<Freezer, "reconcile">;
  readonly oom: OomWatch;
  readonly health: Pick<ContainerHealth, "restore">;
  readonly fdHolders: FdHolders;
  readonly newIo: (container: Container) => ProcessStdio;
}

/** A task of the previous engine. */
interface Orphaned {
  readonly process: StartedProcess;
  readonly streams: RetainedStreams;
  readonly fdHolder: FdHolderRef | undefined;
  readonly exit: Promise<Exit>;
}

/** Which parts of a container exist: its snapshot, its run directory, its own directory. */
interface Dirs {
  readonly snapshot: boolean;
  readonly run: boolean;
  readonly home: boolean;
}

/** Restores the containers of the previous engine. */
export class Restore {
  readonly #deps: RestoreDeps;
  readonly #log: Log;
  readonly #left = new Map<string, Orphaned>();

  constructor(deps: RestoreDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("containers");
  }

  /**
   * Finds the processes. To be called before the reaper reaps anything, which would take their exits.
   * @param afterBoot whether the host has booted since: no process is left then, and a pid with its start time may be
   * another process's
   */
  find({ afterBoot }: { readonly afterBoot: boolean }): void {
    for (const container of this.#deps.table.list()) {
      const { state } = container;
      if (!isLive(state)) continue;
      const { held: { pidFd: kept, ...streams }, fdHolder } = this.#deps.fdHolders.take(container.id);
      if (afterBoot && kept === undefined && !this.#deps.isInCgroup(state.pid, container.id)) continue;
      const pidFd = kept ?? this.#deps.open(state.pid, state.startTicks);
      if (pidFd === undefined) continue;
      const process = { pid: state.pid, startTicks: state.startTicks, pidFd };
      this.#left.set(container.id, { process, streams, fdHolder, exit: this.#exit(container.id, process) });
    }
  }

  async #exit(id: string, process: StartedProcess): Promise<Exit> {
    const { knownExits, exit } = this.#deps;
    if (knownExits[id] !== undefined) return knownExits[id];
    const seen = await exit(process);
    return seen === undefined ? LOST : { exitCode: seen.exitCode, signal: seen.signal };
  }

  /** Follows tasks that still run, records the exits of the others, and undoes or completes interrupted operations. */
  async run(): Promise<void> {
    const { table, snapshots, paths } = this.#deps;
    const homesOf = namesIn(`${paths.dataRoot}/containers`);
    const [furnished, touched, homes] = (await Promise.all([snapshots.list(), dirsOfRuns(paths), homesOf])).map((
      ids,
    ) => new Set(ids));
    await Promise.all(
      table.list().map(async (container) => {
        try {
          const { id } = container;
          const has = { snapshot: furnished!.has(id), run: touched!.has(id), home: homes!.has(id) };
          await this.#restore(container, has);
        } catch (thrown) {
          // A container that can't be cleaned up must not prevent serving the others.
          this.#log.error("taking up a container failed", failure(container, thrown));
        }
      }),
    );
    this.#left.clear();
  }

  async #restore(container: Container, has: Dirs): Promise<void> {
    const { runs, runtimes, orphanedIntents } = this.#deps;
    const left = this.#left.get(container.id);
    const isWaiting = left !== undefined &&
      await runtimes.ofIfKnown(container)?.isWaiting(container.id, left.process.pid) === true;
    orphanedIntents.settle("container", "start", container.id, container.isRunning && !isWaiting);
    if (left !== undefined && !isWaiting) return await this.#follow(container, left);
    if (container.isRunning) {
      if (left !== undefined) close(left);
      runs.ended(container, left === undefined ? LOST : NOT_STARTED);
      await this.#restoreStopped(container, true);
    } else {
      orphanedIntents.settle("container", "stop", container.id, container.state.status === "exited");
      await this.#restoreStopped(container, has.run);
    }
    await this.#finishHalf(container, has);
  }

  /** Removes a container whose creation was interrupted, without an event, and completes an interrupted removal. */
  async #finishHalf(container: Container, has: Dirs): Promise<void> {
    const { removals, orphanedIntents, table } = this.#deps;
    const isHalf = await this.#isHalf(container, has);
    const isNew = orphanedIntents.has("container", "create", container.id);
    if (isHalf) await removals.remove(container, { volumes: table.isBeingRemoved(container), isUntold: isNew });
    orphanedIntents.settle("container", "create", container.id, !isHalf);
  }

  /** Returns whether the creation or removal of a container was interrupted. */
  async #isHalf(container: Container, has: Dirs): Promise<boolean> {
    if (!this.#deps.table.has(container.id)) return false;
    if (this.#deps.table.isBeingRemoved(container)) return true;
    // A removal first removes the directory, then the snapshot. After the loss of a disk with layers the directory
    // still exists.
    if (!has.snapshot && !has.home) return true;
    return isUntouched(container) && !(has.snapshot && await this.#deps.snapshots.isComplete(container.id));
  }

  /**
   * Follows a task that runs or whose exit was not reported: its last output, the event and everything else follow as
   * usual.
   */
  async #follow(container: Container, { process, streams, fdHolder, exit }: Orphaned): Promise<void> {
    const { runs, fdHolders } = this.#deps;
    const io = this.#deps.newIo(container);
    await io.reopen(streams).catch((thrown) => {
      this.#log.warn("a container's output can't be taken up again", failure(container, thrown));
    });
    this.#deps.freezer.reconcile(container);
    this.#deps.oom.begin(container);
    await this.#deps.health.restore(container);
    runs.follow(container, process, io, exit);
    fdHolders.restore(container.id, process.pidFd, io, fdHolder);
  }

  async #restoreStopped(container: Container, isTouched: boolean): Promise<void> {
    const { removals } = this.#deps;
    if (isTouched) await removals.clean(container);
    if (container.state.status === "exited" && container.record.hostConfig.AutoRemove) await removals.remove(container);
    else await this.#deps.health.restore(container);
  }
}

function close({ process, streams, exit }: Orphaned): void {
  for (const fd of Object.values(streams)) fd?.close();
  void exit.then(() => process.pidFd.close());
}

/** Returns the ids of containers that have a run directory, which a start creates first, or state of the runtime. */
async function dirsOfRuns(paths: EnginePaths): Promise<string[]> {
  const kept = (await stateRoots(paths)).map(({ dir }) => dir);
  return (await Promise.all([`${paths.runDir}/containers`, ...kept].map(namesIn))).flat();
}

/** The result of a process whose exit was not kept. */
const LOST: WaitResult = {
  exitCode: 255,
  error: "the engine was away when the process ended; its exit code is unknown",
};

/** The result of a process that the killed engine had created and not started. */
const NOT_STARTED: WaitResult = { exitCode: 255, error: "the engine was killed before it had started the container" };

/**
 * Returns whether a container was created and never started: an engine that was killed during the creation has not
 * reported it.
 */
function isUntouched({ state }: Container): boolean {
  return state.status === "created" && state.error === "";
}
