/** Processes that a previous engine started: found by pid and start time, watched by pidfd. */
import type { Reaper } from "./reaper.ts";
import { exitStatusOf } from "./fd_holder_exit.ts";
import { EPOLL, type Epoll, isErrno, OwnedFd, processes, type ProcessExit } from "../sys/mod.ts";
import { processStartTime, processStat, readProcFile } from "../sys/mod.ts";

/**
 * Opens a pidfd for the recorded process. Returns undefined if that process has ended, even if its pid was reused.
 * @param startTicks see {@link ProcessIdentity.startTicks}
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

/** Returns whether the path of any of the process's cgroups, in any hierarchy, contains `/name`. */
export function isInCgroup(pid: number, name: string): boolean {
  return readProcFile(`/proc/${pid}/cgroup`)?.includes(`/${name}`) ?? false;
}

/** Resolves when the process of a pidfd has ended. */
export function processEnd(pidFd: number, epoll: Epoll): Promise<void> {
  return new Promise((resolve) =>
    epoll.add(pidFd, EPOLL.IN, () => {
      epoll.remove(pidFd);
      resolve();
    })
  );
}

/** Returns whether this process is the parent, as it is after a re-execution: its reaper gets the exit then. */
export function isSelfChild({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = processStat(pid);
  return stat?.parentPid === Deno.pid && String(stat.startTimeTicks) === startTicks;
}

/** Identifies a process even after its pid was reused. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot, in decimal: field 22 of `/proc/PID/stat`. */
  readonly startTicks: string;
}

/**
 * How a process of a former engine ends, or has ended; undefined where nobody knows it. It has to be asked for before the
 * exit loop's first look.
 * @param pidFd stays open until this resolves
 */
export async function orphanedExit(
  process: ProcessIdentity & { readonly pidFd: OwnedFd },
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
  process: ProcessIdentity,
  exits: Pick<Reaper, "exit">,
  epoll: Epoll,
): Promise<void> {
  if (isSelfChild(process)) return void await exits.exit(process.pid);
  using pidFd = openProcess(process.pid, process.startTicks);
  if (pidFd !== undefined) await processEnd(pidFd.fd, epoll);
}
