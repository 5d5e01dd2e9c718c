/**
 * @module
 * Child processes and other processes: spawning, waiting, signalling, and pidfds.
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

/** A child that has exited. */
export interface ExitedChild extends ProcessExit {
  readonly pid: number;
}

/**
 * Calls on processes. Every call throws {@link SysError}. Descriptors have close-on-exec and are the caller's to close.
 */
export interface ProcessCalls {
  /** Starts a child and returns its pid; see {@link spawnProcess}. */
  spawn(request: SpawnRequest): number;
  /**
   * Reaps a child (`ANY_CHILD`: any one that has exited). Returns undefined if none has exited and `WAIT.NOHANG`, the
   * default, is given. Throws ECHILD if there is no such child.
   */
  waitpid(pid: number, flags?: number): ExitedChild | undefined;
  /**
   * Calls kill(2); signal 0 only checks that the process exists. Prefer a pidfd for processes that are not our
   * children.
   */
  kill(pid: number, signal: number): void;
  /** Returns a descriptor that polls readable once the process has exited. ESRCH: no such process. */
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidFd: number, signal: number): void;
  /** Duplicates descriptor `theirFd` of another process. EBADF: it has no such descriptor. */
  pidfdGetfd(pidFd: number, theirFd: number): number;
  /**
   * Returns the kernel's information about the process behind a pidfd, or undefined if the kernel doesn't support it.
   */
  pidfdInfo(pidFd: number): PidfdInfo | undefined;
}

/** Calls that change the calling process itself. */
export interface SelfProcessCalls {
  /** Makes this process the new parent of orphaned descendants (prctl PR_SET_CHILD_SUBREAPER). */
  setChildSubreaper(): void;
  /** Starts a session. EPERM: the process already leads a process group. */
  setsid(): void;
  /** Makes `toFd` a duplicate of `fromFd`, without close-on-exec. */
  dup2(fromFd: number, toFd: number): void;
  /** Ignores a signal, also after `execve`, and replaces any handler. */
  ignoreSignal(signal: number): void;
  /** Restores a signal's default action and replaces any handler. */
  defaultSignal(signal: number): void;
  /**
   * Sets the umask of the process, for all threads, and returns the previous one. Call it at the start of the daemon
   * only.
   */
  umask(mask: number): number;
  /**
   * Replaces this process by another program: the pid and the children stay, the threads end. It returns only by
   * throwing. Descriptors with close-on-exec are closed (all that this module makes: see `setCloseOnExec`). Nothing
   * else is undone: `using` scopes don't end, ignored signals stay ignored. A SIGCHLD that arrives meanwhile is lost,
   * so the new program has to call `waitpid` once.
   */
  execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): never;
}

const PR_SET_CHILD_SUBREAPER = 36;
/** signal.h: SIG_DFL, SIG_IGN, and the error result of signal(2), as addresses. */
const SIG_DFL = 0n;
const SIG_IGN = 1n;
const SIG_ERR = 0xffff_ffff_ffff_ffffn;

/** Decodes the wait(2) status of a child that has exited. */
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
  // on success this process's memory is replaced.
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
export const selfProcess: SelfProcessCalls = {
  // SAFETY (all but the last): no memory is passed.
  setChildSubreaper: () => void checked(libc.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n), "prctl"),
  setsid: () => void checked(libc.setsid(), "setsid"),
  dup2: (fromFd, toFd) => void uninterrupted(() => libc.dup2(fromFd, toFd), "dup2", fromFd),
  umask: (mask) => libc.umask(mask),
  ignoreSignal: (signal) => setSignal(signal, SIG_IGN),
  defaultSignal: (signal) => setSignal(signal, SIG_DFL),
  execve,
};
