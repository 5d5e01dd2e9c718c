/**
 * @module
 * Execs that a former engine left. After a re-execution all is known of them; after a crash only what lies in their
 * folders, and what their keepers hold: of one without a keeper that ended meanwhile nobody knows the exit code.
 */
import type { FdHolderRef, HeldFds } from "../../runtime/fd_holder.ts";
import type { RetainedStreams } from "../../runtime/stdio.ts";
import type { OwnedFd, ProcessExit } from "../../sys/mod.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { execOwner, type FdHolders } from "../containers/fd_holders.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { type ExecNote, isKept } from "./exec.ts";
import type { ExecService } from "./exec_service.ts";

export interface ExecRestoreDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<ContainerTable, "list">;
  readonly execs: Pick<ExecService, "remember" | "takeUp">;
  readonly fdHolders: Pick<FdHolders, "take">;
  /** A descriptor for the very process that was recorded, or undefined when that one has ended. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** Whether somebody was told of its end. */
  readonly isReportedTo: (note: ExecNote) => boolean;
  /** How it ends, or has ended. */
  readonly exit: (process: ExecNote & { readonly pidFd: OwnedFd }) => Promise<ProcessExit | undefined>;
}

/** What a re-execution has brought along. */
export interface RestoredExecs {
  readonly notes: readonly ExecNote[];
  /** By exec. */
  readonly streams: Readonly<Record<string, HeldFds<OwnedFd>>>;
}

/** An exec that runs, or whose last output may lie in its streams. */
export interface OrphanedExec {
  readonly note: ExecNote;
  readonly streams: RetainedStreams;
  /** Null where nobody knows its exit code. */
  readonly exit: Promise<number | null>;
  /** Of one that has a keeper, or is to have one. The descriptor is for whoever takes it up. */
  readonly kept?: { readonly pidFd: OwnedFd; readonly fdHolder: FdHolderRef | undefined };
}

/** See the module's comment. */
export class ExecRestore {
  readonly #deps: ExecRestoreDeps;
  readonly #left: OrphanedExec[] = [];

  constructor(deps: ExecRestoreDeps) {
    this.#deps = deps;
  }

  /** Finds the processes again; to be called before anything is reaped. */
  find(fetched: RestoredExecs | undefined): void {
    for (const note of fetched?.notes ?? this.#recorded()) {
      const left = isKept(note.request) ? this.#kept(note, fetched) : this.#unkept(note, fetched);
      // The last output of one that has ended may lie in its streams.
      if (left !== undefined) this.#left.push(left);
      else this.#ended(note);
    }
  }

  /** Or it was never started. */
  #ended(note: ExecNote): void {
    const { execs, isReportedTo } = this.#deps;
    const isOver = note.status === "running";
    execs.remember({ ...note, status: isOver ? "ended" : note.status }, { isNews: isOver && !isReportedTo(note) });
  }

  #unkept(note: ExecNote, fetched: RestoredExecs | undefined): OrphanedExec | undefined {
    const streams = fetched?.streams[note.id];
    const pidFd = this.#open(note);
    if (pidFd === undefined && streams === undefined) return undefined;
    const exit = this.#exit(note, pidFd);
    void exit.then(() => pidFd?.close());
    return { note, streams: streams ?? {}, exit };
  }

  /** Its keeper has what a re-execution brings along, too. */
  #kept(note: ExecNote, fetched: RestoredExecs | undefined): OrphanedExec | undefined {
    const { held: { pidFd: held, ...kept }, fdHolder } = this.#deps.fdHolders.take(
      execOwner(note.containerId, note.id),
    );
    const given = fetched?.streams[note.id];
    if (given !== undefined) { for (const fd of Object.values(kept)) fd?.close(); }
    const streams = given ?? kept;
    const pidFd = held ?? this.#open(note);
    if (pidFd === undefined) {
      return given === undefined ? undefined : { note, streams, exit: this.#exit(note, undefined) };
    }
    return { note, streams, exit: this.#exit(note, pidFd), kept: { pidFd, fdHolder } };
  }

  #open({ status, pid, startTicks }: ExecNote): OwnedFd | undefined {
    return status === "running" && pid > 0 ? this.#deps.open(pid, startTicks) : undefined;
  }

  async #exit(note: ExecNote, pidFd: OwnedFd | undefined): Promise<number | null> {
    if (pidFd === undefined || note.status !== "running") return note.exitCode;
    return (await this.#deps.exit({ ...note, pidFd }))?.exitCode ?? null;
  }

  /** Goes on with those that run. */
  async run(): Promise<void> {
    await Promise.all(this.#left.map((left) => this.#deps.execs.takeUp(left)));
    this.#left.length = 0;
  }

  #recorded(): ExecNote[] {
    const running = this.#deps.table.list().filter((container) => container.isRunning);
    return running.flatMap(({ id }) => recordedIn(containerPaths(this.#deps.paths, id).bundle));
  }
}

function recordedIn(bundle: string): ExecNote[] {
  try {
    const dirs = [...Deno.readDirSync(bundle)].filter(({ name }) => name.startsWith("exec-"));
    return dirs.map(({ name }) => recordAt(`${bundle}/${name}`)).filter((note) => note !== undefined);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

const fileIn = (dir: string) => `${dir}/exec.json`;

/** Writes down a process that was just started, for the next engine. @param dir the exec's folder */
export function recordExec(dir: string, note: ExecNote): void {
  Deno.writeTextFileSync(fileIn(dir), JSON.stringify(note), { mode: 0o600 });
}

/** None where an engine was killed before it wrote. */
function recordAt(dir: string): ExecNote | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(fileIn(dir)));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
