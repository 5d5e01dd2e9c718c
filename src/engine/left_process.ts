/** Processes that a former engine started: they are found by pid and start time, and their end is seen on a pidfd. */
import { EPOLL, type Epoll, isErrno, OwnedFd, processes, processStartTime } from "../sys/mod.ts";

/**
 * A descriptor for the very process that was recorded, or undefined when that one has ended.
 * @throws {SysError} EMFILE
 */
export function openProcess(pid: number, startTicks: string): OwnedFd | undefined {
  let fd: OwnedFd;
  try {
    fd = new OwnedFd(processes.pidfdOpen(pid));
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH")) return undefined;
    throw thrown;
  }
  if (String(processStartTime(pid)) === startTicks) return fd;
  fd[Symbol.dispose]();
  return undefined;
}

/** Resolves when the process behind the descriptor has ended. */
export function processEnd(pidFd: number, epoll: Epoll): Promise<void> {
  return new Promise((resolve) =>
    epoll.add(pidFd, EPOLL.IN, () => {
      epoll.remove(pidFd);
      resolve();
    })
  );
}
