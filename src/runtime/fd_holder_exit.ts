/**
 * @module
 * How a process ended that this engine couldn't wait for, because it isn't the parent: what the kernel still knows.
 */
import { decodeStatus, isErrno, type ProcessCalls, processes, type ProcessExit, processStat } from "../sys/mod.ts";

type Calls = Pick<ProcessCalls, "pidfdInfo" | "pidfdSendSignal">;

/**
 * The exit of a process that has ended (its pidfd polled readable), or undefined where nobody knows it: reaped by another
 * process, on Linux before 6.15. A zombie's is in /proc on every kernel.
 * @param pidFd opened while the process lived
 * @param pid of the same process
 */
export function exitStatusOf(pidFd: number, pid: number, calls: Calls = processes): ProcessExit | undefined {
  const stat = exists(pidFd, calls) ? processStat(pid) : undefined;
  // As long as it isn't reaped the number is its own, so what was read in between was about it.
  if (stat !== undefined && exists(pidFd, calls)) return decodeStatus(stat.exitStatus);
  return calls.pidfdInfo(pidFd)?.exit;
}

/** Whether a process was not reaped yet. */
function exists(pidFd: number, calls: Calls): boolean {
  try {
    calls.pidfdSendSignal(pidFd, 0);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH")) return false;
    throw thrown;
  }
}
