/**
 * @module
 * From an exec to a running process: streams, process.json, the runtime.
 */
import type { Reaper } from "../../runtime/reaper.ts";
import type { FdHolderRef } from "../../runtime/fd_holder.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { HostInfo } from "../../runtime/spec/mod.ts";
import type { Snapshotter } from "../../store/driver.ts";
import { OwnedFd, type ProcessCalls, processStartTime, SIG, SysError } from "../../sys/mod.ts";
import { execOwner, type FdHolders } from "../containers/fd_holders.ts";
import { startFailureExitCode } from "../containers/start_failure.ts";
import { makeBundle } from "../directories.ts";
import type { StdioRequest } from "../containers/process_stdio.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import type { Runtimes } from "../containers/runtimes.ts";
import { type Exec, isKept, noteOf } from "./exec.ts";
import { recordExec } from "./exec_restore.ts";
import { execProcessJson } from "./exec_process.ts";
import type { ExecStarts } from "../containers/dependents.ts";

/** The exit code of an exec that could not be started, where nothing more is known. */
const NOT_STARTED = 126;

/** Told of an exec's end, once. `neverRan`: its start came to nothing. */
export type ExecEnded = (exitCode: number, neverRan: boolean) => Promise<void>;

export interface ExecStarterDeps {
  readonly snapshots: Snapshotter;
  readonly runtimes: Pick<Runtimes, "of" | "ofIfKnown">;
  readonly exits: Reaper;
  readonly paths: EnginePaths;
  readonly info: HostInfo;
  readonly newIo: (request: StdioRequest) => ProcessStdio;
  readonly fdHolders: Pick<FdHolders, "start" | "restore" | "stop">;
  readonly processes: Pick<ProcessCalls, "pidfdOpen" | "kill">;
}

/** See the module's comment. */
export class ExecStarter implements ExecStarts {
  readonly #deps: ExecStarterDeps;
  /** Starts that are under way, by container. */
  readonly #starts = new Map<string, Set<Promise<void>>>();
  /** Processes that are kept, by exec. */
  readonly #kept = new Map<string, OwnedFd>();

  constructor(deps: ExecStarterDeps) {
    this.#deps = deps;
  }

  /** The exec's folder, in the container's run folder; it is there while the exec runs. */
  dirOf(exec: Exec): string {
    return `${containerPaths(this.#deps.paths, exec.container.id).bundle}/exec-${exec.id}`;
  }

  /** Its streams; `output`: somebody wants what it prints. */
  newIo(exec: Exec, output: boolean): ProcessStdio {
    exec.output = output;
    const { size } = exec;
    const { bundle } = containerPaths(this.#deps.paths, exec.container.id);
    const { AttachStdin: stdin = false, Tty: tty = false } = exec.request;
    // Short, since a socket's path must be.
    const consoleSocket = `${bundle}/x${exec.id.slice(0, 12)}`;
    const io = this.#deps.newIo({ key: exec.id, dir: this.dirOf(exec), stdin, output, tty, consoleSocket, size });
    exec.io?.resolve(io);
    return io;
  }

  /** Says that a container's next exec is about to be started. */
  expect(container: Exec["container"]): void {
    this.#deps.runtimes.ofIfKnown(container)?.prepare();
  }

  /** Resolves once it runs. @throws {TsdError} conflict, user_unknown, command_not_*, runtime_* */
  start(exec: Exec, io: ProcessStdio, ended: ExecEnded): Promise<void> {
    const { id } = exec.container;
    const start = this.#launch(exec, io, ended);
    const starts = this.#starts.get(id) ?? new Set();
    this.#starts.set(id, starts.add(start));
    const forget = () => {
      starts.delete(start);
      if (starts.size === 0) this.#starts.delete(id);
    };
    start.then(forget, forget);
    return start;
  }

  /** Resolves when no exec is just being started in a container: until then its root and its run folder are in use. */
  async settled(containerId: string): Promise<void> {
    await Promise.allSettled(this.#starts.get(containerId) ?? []);
  }

  /** Resolves when none is just being started anywhere. */
  async idle(): Promise<void> {
    while (this.#starts.size > 0) await Promise.allSettled([...this.#starts.keys()].map((id) => this.settled(id)));
  }

  /** One of a former engine goes on, with its keeper; it owns the process's descriptor. */
  restore(exec: Exec, io: ProcessStdio, pidFd: OwnedFd, fdHolder: FdHolderRef | undefined): void {
    this.#kept.set(exec.id, pidFd);
    this.#deps.fdHolders.restore(placeOf(exec), pidFd, io, fdHolder);
  }

  /** It has ended: nothing of it needs to be kept. */
  letGo(exec: Exec): void {
    const pidFd = this.#kept.get(exec.id);
    if (pidFd === undefined) return;
    this.#kept.delete(exec.id);
    this.#deps.fdHolders.stop(placeOf(exec));
    pidFd.close();
  }

  /** Somebody talks to it, perhaps for long: that outlives this engine. */
  #keep(exec: Exec, io: ProcessStdio): void {
    const pidFd = isKept(exec.request) ? this.#open(exec.pid) : undefined;
    if (pidFd === undefined) return;
    this.#kept.set(exec.id, pidFd);
    this.#deps.fdHolders.start(placeOf(exec), pidFd, io);
  }

  /** Where the container's run folder was removed, there is one again. */
  #makeDir(exec: Exec): void {
    const make = () => Deno.mkdirSync(this.dirOf(exec), { mode: 0o711 });
    try {
      make();
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      makeBundle(this.#deps.paths, exec.container.id);
      make();
    }
  }

  /** Disposing of it ends a process that nobody would know of. */
  #ending(pid: number, exit: Promise<unknown>): DisposableStack {
    const ending = new DisposableStack();
    let isOver = false;
    void exit.then(() => isOver = true);
    ending.defer(() => isOver ? undefined : this.#deps.processes.kill(pid, SIG.KILL));
    return ending;
  }

  /** Undefined for one that has ended already, and where too many files are open: it runs on without a keeper. */
  #open(pid: number): OwnedFd | undefined {
    try {
      return new OwnedFd(this.#deps.processes.pidfdOpen(pid));
    } catch (thrown) {
      if (thrown instanceof SysError) return undefined;
      throw thrown;
    }
  }

  async #launch(exec: Exec, io: ProcessStdio, ended: ExecEnded): Promise<void> {
    const { runtimes, exits, snapshots, info } = this.#deps;
    const dir = this.dirOf(exec);
    try {
      // It may have ended since the exec was asked for; from here on its clean-up waits for this start.
      exec.container.running();
      const runtime = runtimes.of(exec.container);
      runtime.prepare();
      const { root } = await snapshots.mount(exec.container.id);
      const processJson = execProcessJson(exec, root, info);
      this.#makeDir(exec);
      const streams = await io.open();
      const { pid } = await runtime.exec({
        containerId: exec.container.id,
        execId: exec.id,
        dir,
        processJson,
        ...streams,
      });
      const exit = exits.exit(pid);
      using unknown = this.#ending(pid, exit);
      await io.started();
      exec.pid = pid;
      exec.startTicks = String(processStartTime(pid) ?? "");
      recordExec(dir, noteOf(exec));
      this.#keep(exec, io);
      unknown.move();
      void exit.then((child) => ended(child.exitCode, false));
    } catch (thrown) {
      // As in Docker: what kept the process from starting is never told apart from the command itself.
      await ended(startFailureExitCode(thrown, NOT_STARTED), true);
      throw thrown;
    }
  }
}

const placeOf = ({ id, container }: Exec): string => execOwner(container.id, id);
