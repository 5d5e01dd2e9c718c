/**
 * @module
 * The client process in a slot whose command the engine runs, identified by what the kernel reports (proc(5)).
 */
import { ageOfProcessMs } from "../cli/process_age.ts";
import { EPOLL, type Epoll, isErrno, OwnedFd, processes, SIG, SysError } from "../sys/mod.ts";
import { ClientOutput } from "./client_output.ts";
import type { ClientLine, Slot } from "./slots.ts";

/** Descriptors of a client: the answers FIFO, and duplicates of its standard output and error. */
const FDS = { answers: 8, stdout: 6, stderr: 7 } as const;
/** How long a client may take from claiming its slot to opening it, in ms. */
const JUST_CLAIMED_MS = 2_000;

/** A client's request to run a command. */
export type Call = Extract<ClientLine, { kind: "call" }>;

/** A client process with its arguments, environment and streams. */
export class ShellClient implements Disposable {
  /** Arguments without the program's name. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Aborted when the process ends. */
  readonly disconnected: AbortSignal;
  readonly pid: number;
  readonly outputs: { readonly stdout: ClientOutput; readonly stderr: ClientOutput };
  readonly #pidFd: OwnedFd;
  readonly #environment: ReadonlyMap<string, string>;
  readonly #epoll: Pick<Epoll, "add" | "remove">;

  private constructor(pid: number, argumentCount: number, pidFd: OwnedFd, epoll: Pick<Epoll, "add" | "remove">) {
    this.pid = pid;
    this.#pidFd = pidFd;
    this.#epoll = epoll;
    const words = stringsOf(`/proc/${pid}/cmdline`);
    // The shell and the script's path come first.
    if (argumentCount > words.length - 2) {
      throw new Error(`Process ${pid} was not started with ${argumentCount} arguments`);
    }
    this.args = words.slice(words.length - argumentCount);
    const variables = stringsOf(`/proc/${pid}/environ`).map((word) => /^([^=]+)=(.*)$/s.exec(word));
    this.#environment = new Map(variables.flatMap((match) => match === null ? [] : [[match[1]!, match[2]!] as const]));
    this.cwd = Deno.readLinkSync(`/proc/${pid}/cwd`);
    // A removed directory has a path that doesn't exist, or is another directory's.
    if (this.cwd.endsWith(" (deleted)")) throw new Deno.errors.NotFound(this.cwd);
    const disconnected = new AbortController();
    this.disconnected = disconnected.signal;
    const options = { epoll, disconnected: disconnected.signal, isStopped: () => isStopped(pid) };
    using opened = new DisposableStack();
    const output = (name: "stdout" | "stderr") =>
      opened.use(new ClientOutput(new OwnedFd(processes.pidfdGetfd(pidFd.fd, FDS[name])), options));
    this.outputs = { stdout: output("stdout"), stderr: output("stderr") };
    epoll.add(pidFd.fd, EPOLL.IN, () => {
      epoll.remove(pidFd.fd);
      pidFd.close();
      disconnected.abort();
      // Closes the streams, so that their readers see the end.
      this.closeOutputs();
    });
    opened.move();
  }

  /**
   * Identifies a client. Returns undefined if it may not have commands run: it must have its slot open, be root in our
   * namespaces, and have the same `build`, as other builds parse command lines differently. A process in other
   * namespaces has other paths, and one that isn't root has fewer rights.
   */
  static of(
    { slot, pid, count, build }: Call,
    ourBuild: string,
    epoll: Pick<Epoll, "add" | "remove">,
  ): ShellClient | undefined {
    const pidFd = processDescriptor(pid);
    if (pidFd === undefined) return undefined;
    using guard = new DisposableStack();
    guard.use(pidFd);
    try {
      // In another PID namespace the number might mean another process.
      if (!slot.isAt(`/proc/${pid}/fd/${FDS.answers}`)) return undefined;
      if (build !== ourBuild || !isRoot(pid) || !isInOurNamespaces(pid)) return undefined;
      const client = new ShellClient(pid, count, pidFd, epoll);
      guard.move();
      return client;
    } catch (thrown) {
      // The system may forbid access to its descriptors (Yama, pidfd_getfd(2)).
      if (hasEnded(thrown) || thrown instanceof SysError) return undefined;
      throw thrown;
    }
  }

  /**
   * Whether a slot was claimed by a process that has exited. A process that has just claimed it does not count as
   * missing.
   */
  static isMissing(slot: Slot): boolean {
    const { takenBy, claimedMs } = slot;
    if (claimedMs === undefined || Date.now() - claimedMs < JUST_CLAIMED_MS) return false;
    return !slot.isAt(`/proc/${takenBy}/fd/${FDS.answers}`);
  }

  env(name: string): string | undefined {
    return this.#environment.get(name);
  }

  /** Whether it was started with one of these signals ignored, which a shell can't trap then (POSIX, trap). */
  ignores(signals: readonly Deno.Signal[]): boolean {
    const ignored = ignoredBits(this.pid);
    return signals.some((signal) => (ignored >> BigInt(SIG[signal.slice(3) as keyof typeof SIG] - 1) & 1n) === 1n);
  }

  /** Returns the process's age in ms. */
  ageMs(): number {
    return ageOfProcessMs(this.pid);
  }

  /** Closes its streams, as the command has finished. */
  closeOutputs(): void {
    for (const output of Object.values(this.outputs)) output[Symbol.dispose]();
  }

  /** Stops watching the process. */
  [Symbol.dispose](): void {
    this.closeOutputs();
    if (this.#pidFd.closed) return;
    this.#epoll.remove(this.#pidFd.fd);
    this.#pidFd.close();
  }
}

function processDescriptor(pid: number): OwnedFd | undefined {
  try {
    return new OwnedFd(processes.pidfdOpen(pid));
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH") || isErrno(thrown, "EINVAL")) return undefined;
    throw thrown;
  }
}

/**
 * Whether it runs as root. A process that isn't dumpable (PR_SET_DUMPABLE) seems to be root's too; other users are kept
 * away by the directory, which only root can access.
 */
const isRoot = (pid: number): boolean => Deno.statSync(`/proc/${pid}`).uid === 0;

/** Links that determine the meaning of paths and rights. */
const NAMESPACE_LINKS = ["ns/mnt", "ns/user", "root"] as const;
const linksOf = (pid: number | "self"): string[] =>
  NAMESPACE_LINKS.map((link) => Deno.readLinkSync(`/proc/${pid}/${link}`));
let ownLinks: readonly string[] | undefined;

function isInOurNamespaces(pid: number): boolean {
  const own = ownLinks ??= linksOf("self");
  return linksOf(pid).every((link, index) => link === own[index]);
}

/** Whether an error of a file below /proc/PID means that the process has exited. Deno has no class for ESRCH. */
const hasEnded = (thrown: unknown): boolean =>
  thrown instanceof Deno.errors.NotFound || thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH";

/** Returns the ignored signals as a bit mask; bit 0 is signal 1. */
function ignoredBits(pid: number): bigint {
  try {
    return BigInt(`0x${/^SigIgn:\t([0-9a-f]+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]}`);
  } catch (thrown) {
    if (hasEnded(thrown)) return 0n;
    throw thrown;
  }
}

/** Whether it is stopped by a signal or a tracer. */
function isStopped(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (thrown) {
    if (hasEnded(thrown)) return false;
    throw thrown;
  }
}

/** Splits NUL-terminated strings. */
const stringsOf = (path: string): string[] => Deno.readTextFileSync(path).split("\0").slice(0, -1);
