/**
 * @module
 * Determines the exit status of a process that this engine can't wait for, because it isn't the parent.
 */
import { decodeStatus, isErrno, type ProcessCalls, processes, type ProcessExit, processStat } from "../sys/mod.ts";

type Calls = Pick<ProcessCalls, "pidfdInfo" | "pidfdSendSignal">;

/**
 * Returns the exit of a process that has exited (its pidfd polled readable). Undefined if another process reaped it, on
 * Linux before 6.15. The status of a zombie is in /proc on every kernel.
 * @param pidFd a pidfd opened while the process was alive
 * @param pid the pid of the same process
 */
export function exitStatusOf(pidFd: number, pid: number, calls: Calls = processes): ProcessExit | undefined {
  const stat = exists(pidFd, calls) ? processStat(pid) : undefined;
  // The pid can't be reused before the process is reaped, so the stat read in between was that of this process.
  if (stat !== undefined && exists(pidFd, calls)) return decodeStatus(stat.exitStatus);
  return calls.pidfdInfo(pidFd)?.exit;
}

/** Returns whether a process has not been reaped yet. */
function exists(pidFd: number, calls: Calls): boolean {
  try {
    calls.pidfdSendSignal(pidFd, 0);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH")) return false;
    throw thrown;
  }
}
