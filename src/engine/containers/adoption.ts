/**
 * @module
 * What a former engine left is taken up: containers that live go on, the others have ended; half steps are undone.
 */
import type { Log } from "../../log.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import type { ProcessIo } from "../../runtime/process_io.ts";
import type { Snapshotter } from "../../store/ports.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { namesIn } from "../folders.ts";
import { type EnginePaths, runtimeRoot } from "../paths.ts";
import { type Container, isLive } from "./container.ts";
import { type ContainerRuns, failure } from "./container_runs.ts";
import type { ContainerTable } from "./container_table.ts";
import type { Freezer } from "./freezer.ts";
import type { OomWatch } from "./oom_watch.ts";
import type { WaitResult } from "./waiters.ts";

/** How a process that a former engine started is found again. */
export interface AdoptionCalls {
  /** A descriptor for the very process that was recorded, or undefined when that one has ended. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** Resolves when the process behind the descriptor has ended. */
  readonly watchExit: (pidFd: number) => Promise<void>;
}

export interface AdoptionDeps extends AdoptionCalls {
  readonly runs: ContainerRuns;
  readonly table: ContainerTable;
  readonly snapshots: Snapshotter;
  readonly runtime: Pick<OciRuntime, "isWaiting">;
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly freezer: Pick<Freezer, "reconcile">;
  readonly oom: OomWatch;
  readonly newIo: (container: Container) => ProcessIo;
}

/** See the module's comment. */
export class Adoption {
  readonly #deps: AdoptionDeps;
  readonly #log: Log;

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("containers");
  }

  /** Takes up what a former engine left: containers that live go on, the others have ended; half steps are undone. */
  async run(): Promise<void> {
    const { runs, table, snapshots, paths } = this.#deps;
    const furnished = new Set(await snapshots.list());
    const touched = new Set(await foldersOfRuns(paths));
    for (const container of table.list()) {
      try {
        if (container.isRunning) await this.#adoptRunning(container);
        else if (isUntouched(container) && !furnished.has(container.id)) await runs.remove(container);
        else await this.#adoptStopped(container, touched.has(container.id));
      } catch (thrown) {
        // One that can't be cleaned up is no reason not to serve the others.
        this.#log.error("taking up a container failed", failure(container, thrown));
      }
    }
  }

  async #adoptRunning(container: Container): Promise<void> {
    const { runs, open, watchExit } = this.#deps;
    const { state } = container;
    if (!isLive(state)) return;
    const pidFd = open(state.pid, state.startTicks);
    if (pidFd === undefined || await this.#deps.runtime.isWaiting(container.id)) {
      pidFd?.[Symbol.dispose]();
      runs.ended(container, pidFd === undefined ? LOST : NOT_STARTED);
      return await this.#adoptStopped(container, true);
    }
    const io = this.#deps.newIo(container);
    await io.reopen({}).catch((thrown) => {
      this.#log.warn("a container's output can't be taken up again", failure(container, thrown));
    });
    const process = { pid: state.pid, startTicks: state.startTicks, pidFd };
    this.#deps.freezer.reconcile(container);
    this.#deps.oom.begin(container, "found");
    runs.follow(container, process, io, watchExit(pidFd.fd).then(() => LOST));
  }

  async #adoptStopped(container: Container, isTouched: boolean): Promise<void> {
    const { runs } = this.#deps;
    if (isTouched) await runs.clean(container);
    if (container.state.status === "exited" && container.record.hostConfig.AutoRemove) await runs.remove(container);
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
