/**
 * @module
 * Child processes and other processes: starting, waiting, signalling, and descriptors that stand for them.
 */
import { ARCH } from "./arch.ts";
import { checked, failed, uninterrupted } from "./check.ts";
import { cString } from "./cstring.ts";
import { WAIT } from "./flags.ts";
import { errno, libc } from "./libc.ts";
import { type PidfdInfo, pidfdInfo } from "./pidfd_info.ts";
import { spawnProcess, type SpawnRequest } from "./spawn.ts";
import { environmentVector, StringVector } from "./string_vector.ts";
import { decodeStatus, type ProcessExit } from "./wait_status.ts";

/** A child that has ended. */
export interface ExitedChild extends ProcessExit {
  readonly pid: number;
}

/** Every call throws {@link SysError}. Descriptors are made with close-on-exec and are the caller's to close. */
export interface ProcessCalls {
  /** Starts a child; see {@link spawnProcess}. */
  spawn(request: SpawnRequest): number;
  /**
   * Reaps a child (`ANY_CHILD`: whichever has ended). Undefined when none has ended and `WAIT.NOHANG`, the default,
   * is given. Throws ECHILD when there is no such child.
   */
  waitpid(pid: number, flags?: number): ExitedChild | undefined;
  /** kill(2); signal 0 only asks. Prefer a pidfd where the process is not our child. */
  kill(pid: number, signal: number): void;
  /** A descriptor that polls readable once the process has ended. ESRCH: no such process. */
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidFd: number, signal: number): void;
  /** A duplicate of descriptor `theirFd` of another process. EBADF: it has none of that number. */
  pidfdGetfd(pidFd: number, theirFd: number): number;
  /** What the kernel says of the process behind a pidfd, or undefined where it can't say how one ended (before 6.15). */
  pidfdInfo(pidFd: number): PidfdInfo | undefined;
}

/** Calls that change the calling process itself. */
export interface SelfProcessCalls {
  /** Makes orphans among all descendants children of this process (prctl PR_SET_CHILD_SUBREAPER). */
  setChildSubreaper(): void;
  /** Starts a session; only a process that leads no group can. */
  setsid(): void;
  /** Makes `toFd` a duplicate of `fromFd`, without close-on-exec. */
  dup2(fromFd: number, toFd: number): void;
  /** Ignores a signal from now on, also beyond `execve`, whatever handled it so far. */
  ignoreSignal(signal: number): void;
  /** A signal does what it does to a program that never heard of it, whatever handled it so far. */
  defaultSignal(signal: number): void;
  /** Sets the umask of the process, all threads, and returns the former: at the start of the daemon only. */
  umask(mask: number): number;
  /**
   * Replaces this process by another program: same pid, children stay children, threads end. It returns only by
   * throwing. Descriptors that have close-on-exec are closed (all that we make: see `setCloseOnExec`), and nothing else
   * is taken back: `using` scopes don't end, ignored signals stay ignored. A SIGCHLD meanwhile is lost, so the new
   * program asks `waitpid` once.
   */
  execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): never;
}

const PR_SET_CHILD_SUBREAPER = 36;
/** signal.h: SIG_DFL, SIG_IGN, and what signal(2) returns for an error, as addresses. */
const SIG_DFL = 0n;
const SIG_IGN = 1n;
const SIG_ERR = 0xffff_ffff_ffff_ffffn;

/** Decodes the status of wait(2) of a child that has ended. */
export function exitOf(pid: number, status: number): ExitedChild {
  return { pid, ...decodeStatus(status) };
}

/** The real {@link ProcessCalls}. */
export const processes: ProcessCalls = {
  spawn: spawnProcess,
  waitpid(pid, flags = WAIT.NOHANG) {
    const status = new Int32Array(1);
    // SAFETY: status is the int that the call writes.
    const found = uninterrupted(() => libc.waitpid(pid, status, flags), "waitpid", `pid ${pid}`);
    return found === 0 ? undefined : exitOf(found, status[0]);
  },
  kill(pid, signal) {
    // SAFETY: no memory is passed.
    checked(libc.kill(pid, signal), "kill", `pid ${pid}`);
  },
  pidfdOpen(pid) {
    // SAFETY: no memory is passed.
    return checked(libc.sysPidfdOpen(ARCH.syscalls.pidfdOpen, BigInt(pid), 0n), "pidfd_open", `pid ${pid}`);
  },
  pidfdSendSignal(pidFd, signal) {
    // SAFETY: NULL stands for the siginfo that kill(2) would send.
    const result = libc.sysPidfdSendSignal(ARCH.syscalls.pidfdSendSignal, BigInt(pidFd), BigInt(signal), null, 0n);
    checked(result, "pidfd_send_signal", pidFd);
  },
  pidfdGetfd(pidFd, theirFd) {
    // SAFETY: no memory is passed.
    const fd = libc.sysPidfdGetfd(ARCH.syscalls.pidfdGetfd, BigInt(pidFd), BigInt(theirFd), 0n);
    return checked(fd, "pidfd_getfd", pidFd);
  },
  pidfdInfo,
};

function execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): never {
  const [args, environment] = [new StringVector(argv.map(cString)), environmentVector(env)];
  // SAFETY: both are NULL-terminated arrays of addresses into memory that the vectors keep alive until after the call;
  // when it succeeds nothing of this process is left.
  libc.execve(cString(path), args.addresses, environment.addresses);
  const code = errno();
  args.keep();
  environment.keep();
  failed(code, "execve", path);
}

function setSignal(signal: number, action: bigint): void {
  // SAFETY: both actions are values, no addresses.
  if (libc.signal(signal, action) === SIG_ERR) failed(errno(), "signal", signal);
}

/** The real {@link SelfProcessCalls}. */
export const ownProcess: SelfProcessCalls = {
  // SAFETY (all but the last): no memory is passed.
  setChildSubreaper: () => void checked(libc.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n), "prctl"),
  setsid: () => void checked(libc.setsid(), "setsid"),
  dup2: (fromFd, toFd) => void uninterrupted(() => libc.dup2(fromFd, toFd), "dup2", fromFd),
  umask: (mask) => libc.umask(mask),
  ignoreSignal: (signal) => setSignal(signal, SIG_IGN),
  defaultSignal: (signal) => setSignal(signal, SIG_DFL),
  execve,
};
