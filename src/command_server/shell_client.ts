/**
 * @module
 * A process that waits on a seat while the engine does its command: who it is, by what the kernel says (proc(5)).
 */
import { ageOfProcessMs } from "../cli/process_age.ts";
import { EPOLL, type Epoll, isErrno, OwnedFd, processes, SIG, SysError } from "../sys/mod.ts";
import { ClientOutput } from "./client_output.ts";
import type { ClientLine, Slot } from "./slots.ts";

/** Descriptors of a caller: its answers, and duplicates of its standard output and error. */
const FDS = { answers: 8, stdout: 6, stderr: 7 } as const;
/** How long a caller may take from taking its seat to sitting on it, in ms. */
const JUST_CLAIMED_MS = 2_000;

/** What a caller asked for. */
export type Call = Extract<ClientLine, { kind: "call" }>;

/** See the module's comment. */
export class ShellClient implements Disposable {
  /** What follows the program's name. */
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
    // A folder that was disconnected has a path that leads nowhere, or to another one.
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
      // Who reads them reads their end.
      this.closeOutputs();
    });
    opened.move();
  }

  /**
   * Whoever asks, if it may have commands done: it waits on its seat, is root in our own namespaces, and of our `build`,
   * as nobody else's command line is understood in the same way. Who asks from elsewhere has other paths, and who isn't
   * root has other rights.
   */
  static of(
    { slot, pid, count, build }: Call,
    managed: string,
    epoll: Pick<Epoll, "add" | "remove">,
  ): ShellClient | undefined {
    const pidFd = processDescriptor(pid);
    if (pidFd === undefined) return undefined;
    using guard = new DisposableStack();
    guard.use(pidFd);
    try {
      // A number may mean somebody else in the caller's own namespace of processes.
      if (!slot.isAt(`/proc/${pid}/fd/${FDS.answers}`)) return undefined;
      if (build !== managed || !isRoot(pid) || !isNear(pid)) return undefined;
      const client = new ShellClient(pid, count, pidFd, epoll);
      guard.move();
      return client;
    } catch (thrown) {
      // Not every machine lets us have its descriptors (Yama, pidfd_getfd(2)).
      if (hasEnded(thrown) || thrown instanceof SysError) return undefined;
      throw thrown;
    }
  }

  /** Whether a seat was taken by somebody who isn't there. One who is just about to sit down doesn't count as missing. */
  static isMissing(slot: Slot): boolean {
    const { takenBy, claimedMs } = slot;
    if (claimedMs === undefined || Date.now() - claimedMs < JUST_CLAIMED_MS) return false;
    return !slot.isAt(`/proc/${takenBy}/fd/${FDS.answers}`);
  }

  env(name: string): string | undefined {
    return this.#environment.get(name);
  }

  /** Whether it was started with one of these ignored, which no shell can handle then (trap in POSIX). */
  ignores(signals: readonly Deno.Signal[]): boolean {
    const ignored = ignoredBits(this.pid);
    return signals.some((signal) => (ignored >> BigInt(SIG[signal.slice(3) as keyof typeof SIG] - 1) & 1n) === 1n);
  }

  /** How long ago it was started, in ms. */
  ageMs(): number {
    return ageOfProcessMs(this.pid);
  }

  /** Its streams are not needed any more: the command has ended. */
  closeOutputs(): void {
    for (const output of Object.values(this.outputs)) output[Symbol.dispose]();
  }

  /** No longer looks for its end. */
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
 * Whether its rights are root's. A process that hides its memory (PR_SET_DUMPABLE) looks like root's too: what keeps others
 * away is the folder, which only root can look into.
 */
const isRoot = (pid: number): boolean => Deno.statSync(`/proc/${pid}`).uid === 0;

/** What our own paths and rights are about. */
const PLACES = ["ns/mnt", "ns/user", "root"] as const;
const linksOf = (pid: number | "self"): string[] => PLACES.map((link) => Deno.readLinkSync(`/proc/${pid}/${link}`));
let ownLinks: readonly string[] | undefined;

function isNear(pid: number): boolean {
  const own = ownLinks ??= linksOf("self");
  return linksOf(pid).every((link, index) => link === own[index]);
}

/** Of what is read below /proc/PID: Deno has no class for ESRCH. */
const hasEnded = (thrown: unknown): boolean =>
  thrown instanceof Deno.errors.NotFound || thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH";

/** One for each signal, from 1 on. */
function ignoredBits(pid: number): bigint {
  try {
    return BigInt(`0x${/^SigIgn:\t([0-9a-f]+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]}`);
  } catch (thrown) {
    if (hasEnded(thrown)) return 0n;
    throw thrown;
  }
}

/** By a signal, or by whoever traces it. */
function isStopped(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (thrown) {
    if (hasEnded(thrown)) return false;
    throw thrown;
  }
}

/** Each ends with NUL. */
const stringsOf = (path: string): string[] => Deno.readTextFileSync(path).split("\0").slice(0, -1);
