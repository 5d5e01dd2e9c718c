/**
 * @module
 * Execs that a former engine left. After a re-execution all is known of them; after a crash only what lies in their
 * folders: then their input is gone, and of one that ended meanwhile nobody knows the exit code.
 */
import type { Held } from "../../runtime/keeper.ts";
import type { KeptStreams } from "../../runtime/process_io.ts";
import type { OwnedFd, ProcessExit } from "../../sys/mod.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { ExecNote } from "./exec.ts";
import type { ExecService } from "./exec_service.ts";

export interface ExecAdoptionDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<ContainerTable, "list">;
  readonly execs: ExecService;
  /** A descriptor for the very process that was recorded, or undefined when that one has ended. */
  readonly open: (pid: number, startTicks: string) => OwnedFd | undefined;
  /** How it ends, or has ended. */
  readonly exit: (process: ExecNote & { readonly pidFd: OwnedFd }) => Promise<ProcessExit | undefined>;
}

/** What a re-execution has brought along. */
export interface BroughtExecs {
  readonly notes: readonly ExecNote[];
  /** By exec. */
  readonly streams: Readonly<Record<string, Held<OwnedFd>>>;
}

interface Left {
  readonly note: ExecNote;
  readonly streams: KeptStreams;
  readonly exit: Promise<number | null>;
}

/** See the module's comment. */
export class ExecAdoption {
  readonly #deps: ExecAdoptionDeps;
  readonly #left: Left[] = [];

  constructor(deps: ExecAdoptionDeps) {
    this.#deps = deps;
  }

  /** Finds the processes again; to be called before anything is reaped. */
  find(brought: BroughtExecs | undefined): void {
    for (const note of brought?.notes ?? this.#recorded()) {
      const streams = brought?.streams[note.id];
      const exit = this.#exit(note);
      // The last output of one that has ended may lie in its streams.
      if (exit !== undefined || streams !== undefined) {
        this.#left.push({ note, streams: streams ?? {}, exit: exit ?? Promise.resolve(note.exitCode) });
      } else this.#deps.execs.remember({ ...note, status: note.status === "running" ? "ended" : note.status });
    }
  }

  /** Nothing, for one that is not running. */
  #exit(note: ExecNote): Promise<number | null> | undefined {
    const pidFd = note.status === "running" && note.pid > 0 ? this.#deps.open(note.pid, note.startTicks) : undefined;
    return pidFd && this.#deps.exit({ ...note, pidFd }).then((known) => {
      pidFd.close();
      return known?.exitCode ?? null;
    });
  }

  /** Goes on with those that run. */
  async run(): Promise<void> {
    await Promise.all(this.#left.map(({ note, streams, exit }) => this.#deps.execs.takeUp(note, streams, exit)));
    this.#left.length = 0;
  }

  #recorded(): ExecNote[] {
    const running = this.#deps.table.list().filter((container) => container.isRunning);
    return running.flatMap(({ id }) => recordedIn(containerPaths(this.#deps.paths, id).bundle));
  }
}

function recordedIn(bundle: string): ExecNote[] {
  try {
    const folders = [...Deno.readDirSync(bundle)].filter(({ name }) => name.startsWith("exec-"));
    return folders.map(({ name }) => recordAt(`${bundle}/${name}`)).filter((note) => note !== undefined);
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
