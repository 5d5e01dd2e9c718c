/** Processes that a former engine started: they are found by pid and start time, and their end is seen on a pidfd. */
import type { Reaper } from "./reaper.ts";
import { exitStatusOf } from "./fd_holder_exit.ts";
import { EPOLL, type Epoll, isErrno, OwnedFd, processes, type ProcessExit } from "../sys/mod.ts";
import { processStartTime, processStat, readProcFile } from "../sys/mod.ts";

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

/** Whether a process is in a cgroup with this name somewhere in its path, of whichever hierarchy. */
export function isInCgroup(pid: number, name: string): boolean {
  return readProcFile(`/proc/${pid}/cgroup`)?.includes(`/${name}`) ?? false;
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

/** Whether this process is its parent, so that its exit comes to the exit loop: so it is after a re-execution. */
export function isSelfChild({ pid, startTicks }: OrphanedProcess): boolean {
  const stat = processStat(pid);
  return stat?.parentPid === Deno.pid && String(stat.startTimeTicks) === startTicks;
}

/** Names a process for good. */
interface OrphanedProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string;
}

/**
 * How a process of a former engine ends, or has ended; undefined where nobody knows it. It has to be asked for before the
 * exit loop's first look.
 * @param pidFd stays open until this resolves
 */
export async function orphanedExit(
  process: OrphanedProcess & { readonly pidFd: OwnedFd },
  exits: Pick<Reaper, "exit">,
  epoll: Epoll,
): Promise<ProcessExit | undefined> {
  const { pid, pidFd } = process;
  if (isSelfChild(process)) return await exits.exit(pid);
  await processEnd(pidFd.fd, epoll);
  return exitStatusOf(pidFd.fd, pid);
}

/** Resolves when a process that was recorded has ended. */
export async function orphanedEnd(
  process: OrphanedProcess,
  exits: Pick<Reaper, "exit">,
  epoll: Epoll,
): Promise<void> {
  if (isSelfChild(process)) return void await exits.exit(process.pid);
  using pidFd = openProcess(process.pid, process.startTicks);
  if (pidFd !== undefined) await processEnd(pidFd.fd, epoll);
}
