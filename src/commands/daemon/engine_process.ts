import { TsdError } from "../../errors.ts";

/** Clock ticks per second in /proc (USER_HZ), on all supported architectures. */
const TICKS_PER_SECOND = 100;
/** The lock file that an engine keeps open as long as it runs. */
const LOCK = /^\/run\/tsd(?:-[0-9a-f]{6})?\/lock$/;

/** The process of an engine. */
export interface EngineProcess {
  readonly pid: number;
  /** The start time in clock ticks since boot. With the pid it identifies the process uniquely. */
  readonly startTicks: bigint;
  /** The start time as Unix time in ms, accurate to about 10 ms. */
  readonly startedMs: number;
  /** What started it. */
  readonly origin: "service" | "client" | "hand";
}

/** Engine processes on this machine. */
export interface EngineProcesses {
  /** Returns the engine that listens at a socket; undefined if there is none. @throws {TsdError} permission_denied, conflict */
  find(socketPath: string): Promise<EngineProcess | undefined>;
  /**
   * Sends a signal to the process after verifying that it is an engine. Does nothing if it has exited.
   * @throws {TsdError} conflict, permission_denied
   */
  signal(engine: EngineProcess, signal: "SIGTERM" | "SIGHUP"): Promise<void>;
  hasEnded(engine: EngineProcess): boolean;
  /** Returns whether the process handles SIGHUP, whose default action would kill it. */
  catchesHangup(engine: EngineProcess): Promise<boolean>;
  /** Returns an opaque string that changes whenever the process executes a program. @throws {TsdError} permission_denied */
  incarnation(engine: EngineProcess): Promise<string>;
}

type SysModule = typeof import("../../sys/mod.ts");

const SIGNALS = { SIGHUP: 1, SIGTERM: 15 } as const;

/** {@link EngineProcesses} of this machine, found by way of unix sockets and /proc. */
export class HostEngineProcesses implements EngineProcesses {
  readonly #sys: SysModule;
  readonly #isLock: (path: string) => boolean;

  constructor(sys: SysModule, isLock: (path: string) => boolean = (path) => LOCK.test(path)) {
    this.#sys = sys;
    this.#isLock = isLock;
  }

  async find(socketPath: string): Promise<EngineProcess | undefined> {
    const pid = this.#listener(socketPath);
    if (pid === undefined) return undefined;
    if (pid === 0) throw new TsdError("conflict", `The engine at ${socketPath} is in another pid namespace`);
    const stat = this.#sys.processStat(pid);
    if (stat === undefined) return undefined;
    const startedMs = await bootMs() + Number(stat.startTimeTicks) * 1000 / TICKS_PER_SECOND;
    return { pid, startTicks: stat.startTimeTicks, startedMs, origin: await originOf(pid) };
  }

  async signal(engine: EngineProcess, signal: "SIGTERM" | "SIGHUP"): Promise<void> {
    const { OwnedFd, processes, isErrno } = this.#sys;
    try {
      using pidFd = new OwnedFd(processes.pidfdOpen(engine.pid));
      if (this.hasEnded(engine)) return;
      await this.#requireLock(engine);
      processes.pidfdSendSignal(pidFd.fd, SIGNALS[signal]);
    } catch (thrown) {
      if (isErrno(thrown, "EPERM")) throw notAllowed(engine, thrown);
      if (!isErrno(thrown, "ESRCH")) throw thrown;
    }
  }

  hasEnded({ pid, startTicks }: EngineProcess): boolean {
    const stat = this.#sys.processStat(pid);
    return stat === undefined || stat.startTimeTicks !== startTicks || stat.state === "Z";
  }

  async catchesHangup({ pid }: EngineProcess): Promise<boolean> {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1] ?? "0";
    return (BigInt(`0x${caught}`) & (1n << BigInt(SIGNALS.SIGHUP - 1))) !== 0n;
  }

  /** Returns the auxiliary vector, whose randomized addresses and random bytes the kernel chooses at each execve(2). */
  async incarnation(engine: EngineProcess): Promise<string> {
    try {
      return (await Deno.readFile(`/proc/${engine.pid}/auxv`)).toHex();
    } catch (thrown) {
      if (thrown instanceof Deno.errors.PermissionDenied) throw notAllowed(engine, thrown);
      throw thrown;
    }
  }

  #listener(socketPath: string): number | undefined {
    const { unixPeers, isErrno } = this.#sys;
    try {
      return unixPeers.listener(socketPath).pid;
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT", "ECONNREFUSED")) return undefined;
      if (isErrno(thrown, "EACCES")) {
        const why = "permission denied. Run this as root or as a member of the socket's group";
        throw new TsdError("permission_denied", `Cannot reach the engine at ${socketPath}: ${why}`, { cause: thrown });
      }
      throw thrown;
    }
  }

  /**
   * Requires that the process holds an engine's lock. A manipulated address in the environment must not make this command
   * signal an arbitrary program that listens there.
   */
  async #requireLock(engine: EngineProcess): Promise<void> {
    const dir = `/proc/${engine.pid}/fd`;
    try {
      for await (const { name } of Deno.readDir(dir)) {
        if (this.#isLock(await Deno.readLink(`${dir}/${name}`).catch(ignoreNotFound))) return;
      }
    } catch (thrown) {
      if (thrown instanceof Deno.errors.PermissionDenied) throw notAllowed(engine, thrown);
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
    throw new TsdError("conflict", `Process ${engine.pid}, which answers there, is no tsd engine`);
  }
}

/** Ignores a descriptor that was closed in the meantime. */
function ignoreNotFound(thrown: unknown): string {
  if (thrown instanceof Deno.errors.NotFound) return "";
  throw thrown;
}

const notAllowed = ({ pid }: EngineProcess, cause: unknown) =>
  new TsdError("permission_denied", `Cannot signal the engine (process ${pid}): only root can; use sudo`, { cause });

async function bootMs(): Promise<number> {
  return Number(/^btime (\d+)$/m.exec(await Deno.readTextFile("/proc/stat"))?.[1] ?? 0) * 1000;
}

async function originOf(pid: number): Promise<EngineProcess["origin"]> {
  const cgroups = await Deno.readTextFile(`/proc/${pid}/cgroup`);
  if (/\/tsd\.service$/m.test(cgroups)) return "service";
  const words = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
  return words.includes("--on-demand") ? "client" : "hand";
}
