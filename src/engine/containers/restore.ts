/**
 * @module
 * What a former engine left is taken up: containers that live go on, the others have ended; half steps are undone.
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

/** How a process that a former engine started is found again. */
export interface RestoreCalls {
  /** A descriptor for the very process that was recorded, or undefined when that one has ended. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** Whether a process is in the cgroup of this name. */
  readonly isInCgroup: (pid: number, name: string) => boolean;
  /** How it ends, or has ended; undefined where nobody knows it. */
  readonly exit: (process: StartedProcess) => Promise<ProcessExit | undefined>;
  /** Ends that were known before a re-execution, by container. */
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

/** A container that ran when its engine was last seen. */
interface Orphaned {
  readonly process: StartedProcess;
  readonly streams: RetainedStreams;
  readonly fdHolder: FdHolderRef | undefined;
  readonly exit: Promise<Exit>;
}

/** What there is of a container: its layer, a run's folder, its own folder. */
interface Dirs {
  readonly snapshot: boolean;
  readonly run: boolean;
  readonly home: boolean;
}

/** See the module's comment. */
export class Restore {
  readonly #deps: RestoreDeps;
  readonly #log: Log;
  readonly #left = new Map<string, Orphaned>();

  constructor(deps: RestoreDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("containers");
  }

  /**
   * Finds the processes again; to be called before anything is reaped, or their exits would be anybody's.
   * @param afterBoot by all signs nothing is left, and a pid with its start time may be another's
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

  /** Takes up what a former engine left: containers that live go on, the others have ended; half steps are undone. */
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
          // One that can't be cleaned up is no reason not to serve the others.
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

  /** One whose creation was cut off goes, untold as it came; a removal that was cut off is finished. */
  async #finishHalf(container: Container, has: Dirs): Promise<void> {
    const { removals, orphanedIntents, table } = this.#deps;
    const isHalf = await this.#isHalf(container, has);
    const isNew = orphanedIntents.has("container", "create", container.id);
    if (isHalf) await removals.remove(container, { volumes: table.isBeingRemoved(container), isUntold: isNew });
    orphanedIntents.settle("container", "create", container.id, !isHalf);
  }

  /** Its creation, or its removal, was cut off. */
  async #isHalf(container: Container, has: Dirs): Promise<boolean> {
    if (!this.#deps.table.has(container.id)) return false;
    if (this.#deps.table.isBeingRemoved(container)) return true;
    // A removal takes first its folder, then its layer. Whoever has lost a disk of layers has the folder still.
    if (!has.snapshot && !has.home) return true;
    return isUntouched(container) && !(has.snapshot && await this.#deps.snapshots.isComplete(container.id));
  }

  /** It runs, or nobody has heard yet that it has ended: its last output, the event and all else come as ever. */
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

/** Ids for which there is a run folder, the first thing of a run, or something that the runtime keeps. */
async function dirsOfRuns(paths: EnginePaths): Promise<string[]> {
  const kept = (await stateRoots(paths)).map(({ dir }) => dir);
  return (await Promise.all([`${paths.runDir}/containers`, ...kept].map(namesIn))).flat();
}

/** What is known of a process of whose end nobody kept anything. */
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
