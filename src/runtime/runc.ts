/**
 * @module
 * Implements {@link OciRuntime} with the runc command (opencontainers/runc, man8). runc's own errors go to a log file,
 * never to the container's stderr. Each call has a deadline, after which runc is killed and what it created is deleted.
 */
import { isTsdError, TsdError } from "../errors.ts";
import { type ChildStdio, isErrno, O, type ProcessCalls, processStat, SIG } from "../sys/mod.ts";
import type { CgroupMigration } from "./cgroup_migration.ts";
import { type ExecFifoCalls, startThroughFifo } from "./exec_fifo.ts";
import { isRuncInit, processImage, untilExecuted } from "./execve.ts";
import type { Reaper } from "./reaper.ts";
import type {
  CreateOptions,
  ExecOptions,
  OciRuntime,
  RunningProcess,
  StartOptions,
  StdioPaths,
} from "./oci_runtime.ts";
import { readPid, readPidWithRetry } from "./pid_file.ts";
import { toRuntimeError } from "./runtime_error.ts";
import { exists, removeIfExists } from "../io/if_exists.ts";
import { storageError } from "../io/mod.ts";
import type { OciLimits } from "./spec/mod.ts";

export interface RuncOptions {
  /** Absolute path of the runtime. */
  readonly path: string;
  /** Arguments that precede all others on the runtime's command line. */
  readonly args?: readonly string[];
  /**
   * Whether created containers wait on runc's `exec.fifo` (default true). For other runtimes the state of a container
   * is queried with their `state` command.
   */
  readonly isRunc?: boolean;
  /** Directory of the runtime's state (`--root`); each engine has its own. */
  readonly stateRoot: string;
  /** Directory for logs of calls that have no bundle. */
  readonly logDir: string;
  /** Timeout of one call, in ms. */
  readonly deadlineMs?: number;
  /** System calls that start a container through `exec.fifo`; without them every start runs the runtime. */
  readonly fifoCalls?: ExecFifoCalls;
  /** Notified when processes are about to be migrated between cgroups. */
  readonly moves?: Pick<CgroupMigration, "prepare">;
}

const DEFAULT_DEADLINE_MS = 30_000;
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
const NULL_STDIO: StdioPaths = { stdin: "/dev/null", stdout: "/dev/null", stderr: "/dev/null" };

/** Runs runc. The processes that runc leaves behind become the engine's children, as the engine is a subreaper. */
export class Runc implements OciRuntime {
  readonly #options: RuncOptions;
  readonly #processes: Pick<ProcessCalls, "spawn" | "kill">;
  readonly #reaper: Reaper;
  #calls = 0;

  constructor(options: RuncOptions, processes: Pick<ProcessCalls, "spawn" | "kill">, reaper: Reaper) {
    this.#options = options;
    this.#processes = processes;
    this.#reaper = reaper;
  }

  async version(): Promise<{ name: string; version: string; path: string }> {
    const { path } = this.#options;
    const output = await this.#output((stdio) => this.#run("--version", ["--version"], stdio, undefined));
    const match = /^(\S+) version (\S+)/m.exec(output);
    if (match === null) throw new TsdError("runtime_failed", `${path} --version printed no version`);
    return { name: match[1], version: match[2], path };
  }

  /** Returns what a call writes to its standard output. */
  async #output(call: (stdio: StdioPaths) => Promise<void>): Promise<string> {
    const output = `${this.#options.logDir}/version-${++this.#calls}`;
    try {
      await Deno.writeTextFile(output, "");
      await call({ ...NULL_STDIO, stdout: output });
      return await Deno.readTextFile(output);
    } finally {
      await Deno.remove(output).catch(ignoreMissing);
    }
  }

  /** Returns `created`, `running`, `stopped` …; undefined if the runtime doesn't know the container. */
  async #status(id: string): Promise<string | undefined> {
    if (!exists(`${this.#options.stateRoot}/${id}`)) return undefined;
    const output = await this.#output((stdio) => this.#logged(this.#callLog(), ["state", id], stdio));
    return /"status":\s*"(\w+)"/.exec(output)?.[1];
  }

  prepare(): void {
    this.#options.moves?.prepare();
  }

  async create({ id, bundle, stdio, consoleSocket }: CreateOptions): Promise<RunningProcess> {
    const pidFile = `${bundle}/pid`;
    // If the cleanup fails too, a SuppressedError carries both errors: the original one is not hidden.
    await using undo = new AsyncDisposableStack();
    undo.defer(() => this.delete(id, true));
    const files = ["--bundle", bundle, "--pid-file", pidFile];
    await this.#logged(`${bundle}/runc.log`, ["create", ...files, ...consoleArgs(consoleSocket), id], stdio);
    const pid = readPid(pidFile);
    undo.move();
    return { pid };
  }

  async start(id: string, pid: number, { hasPoststart = false }: StartOptions = {}): Promise<void> {
    const { fifoCalls } = this.#options;
    const init = processImage(pid);
    if (hasPoststart || fifoCalls === undefined || !await startThroughFifo(this.#fifo(id), fifoCalls)) {
      await this.#logged(this.#callLog(), ["start", id], NULL_STDIO);
      if (await this.isWaiting(id)) {
        throw new TsdError("runtime_failed", `${this.#options.path} start said that it succeeded, and started nothing`);
      }
    }
    await untilExecuted(pid, init);
  }

  async isWaiting(id: string, pid?: number): Promise<boolean> {
    if (this.#options.isRunc === false) return await this.#status(id) === "created";
    try {
      // The init process waits on this FIFO. A stat is faster than `runc state`, which matters when an engine restores
      // many containers.
      await Deno.lstat(this.#fifo(id));
      if (pid === undefined || isRuncInit(processImage(pid)?.cmdline ?? "")) return true;
      await Deno.remove(this.#fifo(id));
    } catch (thrown) {
      ignoreMissing(thrown);
    }
    return false;
  }

  async exec({ containerId, execId, dir, processJson, stdio, consoleSocket }: ExecOptions): Promise<RunningProcess> {
    const [spec, pidFile] = [`${dir}/${execId}.json`, `${dir}/${execId}.pid`];
    try {
      writeSpec(spec, processJson);
      const files = ["--process", spec, "--pid-file", pidFile];
      const args = ["exec", "--detach", ...files, ...consoleArgs(consoleSocket), containerId];
      await using undo = new AsyncDisposableStack();
      undo.defer(() => this.#endChild(pidFile));
      await this.#explained(containerId, this.#logged(`${dir}/${execId}.log`, args, stdio));
      const pid = await readPidWithRetry(pidFile);
      undo.move();
      await untilExecuted(pid);
      return { pid };
    } finally {
      for (const path of [spec, pidFile]) removeIfExists(path);
    }
  }

  async kill(id: string, signal: number, all = false): Promise<void> {
    await this.#logged(this.#callLog(), ["kill", ...(all ? ["--all"] : []), id, String(signal)], NULL_STDIO);
  }

  async setFrozen(id: string, frozen: boolean): Promise<void> {
    await this.#explained(id, this.#logged(this.#callLog(), [frozen ? "pause" : "resume", id], NULL_STDIO));
  }

  async update(id: string, resources: OciLimits): Promise<void> {
    const file = `${this.#options.logDir}/call-${++this.#calls}.json`;
    try {
      await Deno.writeTextFile(file, JSON.stringify(resources), { mode: 0o600 });
      await this.#explained(id, this.#logged(this.#callLog(), ["update", "--resources", file, id], NULL_STDIO));
    } finally {
      removeIfExists(file);
    }
  }

  async delete(id: string, force = false): Promise<void> {
    const directory = `${this.#options.stateRoot}/${id}`;
    if (!exists(directory)) return;
    try {
      await this.#logged(this.#callLog(), ["delete", ...(force ? ["--force"] : []), id], NULL_STDIO);
    } catch (thrown) {
      if (!force || await isStateReadable(`${directory}/state.json`)) throw thrown;
      // Writing state.json was interrupted: runc can't delete this container any more.
      await Deno.remove(directory, { recursive: true }).catch(ignoreMissing);
    }
  }

  /** Explains a failure if the runtime's state of a running container was removed: the runtime only reports that there is no such container. */
  async #explained(id: string, call: Promise<void>): Promise<void> {
    try {
      await call;
    } catch (thrown) {
      if (!isTsdError(thrown, "runtime_failed") || exists(`${this.#options.stateRoot}/${id}`)) throw thrown;
      const remedy = "the runtime's state of the container was removed; restart it";
      throw new TsdError("runtime_failed", `${thrown.message} (${remedy})`, { cause: thrown });
    }
  }

  /** Kills the process that a failed exec may have created nevertheless; no one else knows its pid. */
  async #endChild(pidFile: string): Promise<void> {
    const pid = Number(await Deno.readTextFile(pidFile).catch(ignoreMissing));
    // The engine is a subreaper: a process that isn't its child was not created by that call.
    if (Number.isInteger(pid) && pid > 1 && processStat(pid)?.parentPid === Deno.pid) {
      this.#processes.kill(pid, SIG.KILL);
    }
  }

  #fifo(id: string): string {
    return `${this.#options.stateRoot}/${id}/exec.fifo`;
  }

  #callLog(): string {
    return `${this.#options.logDir}/call-${++this.#calls}.log`;
  }

  /** Runs a subcommand that writes its errors to the file `log`, which is removed afterwards. */
  async #logged(log: string, args: readonly string[], stdio: StdioPaths): Promise<void> {
    const globals = ["--root", this.#options.stateRoot, "--log", log, "--log-format", "json"];
    try {
      await this.#run(args[0], [...globals, ...args], stdio, log);
    } finally {
      removeIfExists(log);
    }
  }

  async #run(command: string, args: readonly string[], stdio: StdioPaths, log: string | undefined): Promise<void> {
    const { path, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const pid = this.#spawn(args, stdio);
    const exited = this.#reaper.spawned(pid);
    const expired = Promise.withResolvers<"expired">();
    const timer = setTimeout(() => expired.resolve("expired"), deadlineMs);
    const first = await Promise.race([exited, expired.promise]);
    clearTimeout(timer);
    if (first === "expired") {
      // The runtime leads its session and process group: its children are killed as well.
      this.#processes.kill(-pid, 9);
      await exited;
      throw new TsdError("timeout", `${path} ${command} did not end within ${deadlineMs / 1000} s and was killed`);
    }
    if (first.exitCode !== 0) throw await toRuntimeError({ path, command, exitCode: first.exitCode, log });
  }

  #spawn(args: readonly string[], stdio: StdioPaths): number {
    const { path, args: globalArgs = [] } = this.#options;
    try {
      return this.#processes.spawn({
        path,
        argv: [path, ...globalArgs, ...args],
        env: ENVIRONMENT,
        stdio: [open(0, stdio.stdin), open(1, stdio.stdout), open(2, stdio.stderr)],
      });
    } catch (cause) {
      if (isErrno(cause, "ENOENT")) {
        const missing = missingOf(Object.values(stdio));
        if (missing !== undefined) {
          throw new TsdError("runtime_failed", `Cannot run ${path}: ${missing} was removed`, { cause });
        }
        const hint = path.endsWith("/runc") ? "; install the package runc" : "";
        throw new TsdError("runtime_missing", `Cannot run ${path}: it is not there${hint}`, { cause });
      }
      if (!isErrno(cause, "EACCES", "ENOEXEC")) throw cause;
      throw new TsdError("runtime_failed", `Cannot run ${path}: it is not a program that can be executed`, { cause });
    }
  }
}

/** @throws {TsdError} storage, storage_full */
function writeSpec(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { mode: 0o600 });
  } catch (thrown) {
    throw storageError(`Cannot write what is to be executed into ${path}`, thrown);
  }
}

/** The first of these files that isn't there. */
const missingOf = (paths: readonly string[]): string | undefined => paths.find((path) => !exists(path));

const consoleArgs = (path: string | undefined) => path === undefined ? [] : ["--console-socket", path];

/**
 * Opens stdin read-only, so that the process gets end of file when the writing end is closed, and output read-write, so
 * that a missing reader doesn't kill the process with SIGPIPE.
 */
function open(target: number, path: string): ChildStdio {
  return { target, path, flags: target === 0 ? O.RDONLY : O.RDWR };
}

/** Returns whether runc's state file of a container is valid JSON, or missing. */
async function isStateReadable(stateFile: string): Promise<boolean> {
  try {
    JSON.parse(await Deno.readTextFile(stateFile));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    ignoreMissing(thrown);
  }
  return true;
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
