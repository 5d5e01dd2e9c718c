/**
 * @module
 * An fd holder is a process that only holds a container's descriptors, so that neither input, terminal, buffered output
 * nor exit code is lost when the engine is killed: the next engine retrieves them with pidfd_getfd(2), which needs
 * permission to trace the process (root). Each container has one; it has 0.1 MB of private memory. It is `sleep`, which
 * every machine has and which does nothing with its descriptors. It leads its own session and doesn't exit by itself.
 *
 * An fd holder can't close a single descriptor: once the input is closed, a new fd holder without it must replace the
 * old one. It resembles systemd's file descriptor store and is no shim: it is neither parent nor reaper.
 */
import { TsdError } from "../errors.ts";
import type { ChildStdio, FileCalls, PipeCalls, ProcessCalls } from "../sys/mod.ts";
import { files, isErrno, O, OwnedFd, pipes, processes, processStartTime, SIG } from "../sys/mod.ts";

/** Identifies an fd holder. The start time is needed because pids are reused. Plain JSON. */
export interface FdHolderRef {
  readonly pid: number;
  /** Start time as in the container's record: clock ticks since boot, in decimal. */
  readonly startTicks: string;
}

/**
 * The descriptors that an fd holder holds. `Fd` is a number when they are passed to it and an {@link OwnedFd} when they
 * are retrieved.
 */
export interface HeldFds<Fd> {
  /** Pidfd of the init process: the kernel keeps the exit status as long as one is open. */
  readonly pidFd?: Fd;
  /** Writing end of the input. */
  readonly stdin?: Fd;
  /** Reading ends of the output, which retain unread bytes. O_RDONLY, as a writing end would hide the end of file. */
  readonly stdout?: Fd;
  readonly stderr?: Fd;
  /** Master of the pty: closing the last descriptor would hang up the terminal. */
  readonly terminal?: Fd;
}

/** The system calls that fd holders need. */
export interface FdHolderCalls {
  readonly processes: Pick<ProcessCalls, "spawn" | "kill" | "pidfdOpen" | "pidfdGetfd" | "pidfdSendSignal">;
  readonly pipes: Pick<PipeCalls, "duplicate">;
  readonly files: Pick<FileCalls, "close">;
  /** Returns the start time in clock ticks since boot; undefined if the process doesn't exist. */
  readonly startTime: (pid: number) => bigint | undefined;
}

/**
 * The number of each descriptor in the fd holder. Numbers may be added but never changed, because fd holders that other
 * versions started are still running.
 */
const FD_NUMBERS = { pidFd: 3, stdin: 4, stdout: 5, stderr: 6, terminal: 7 } as const satisfies Record<
  keyof HeldFds<0>,
  number
>;
const NAMES = Object.keys(FD_NUMBERS) as (keyof typeof FD_NUMBERS)[];
const HELD_FDS = 8;

const PROGRAMS = ["/bin/sleep", "/usr/bin/sleep", "/run/current-system/sw/bin/sleep"];
/** 68 years. Not every `sleep` accepts "infinity". */
const SLEEP_SECONDS = "2147483647";
/** The environment variable that distinguishes an fd holder from other `sleep` processes. */
export const OWNER_VARIABLE = "TSD_KEEPER";

const NULL_STDIO: readonly ChildStdio[] = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));
const SYSTEM_CALLS: FdHolderCalls = { processes, pipes, files, startTime: processStartTime };

/**
 * Starts an fd holder with duplicates of `held`; the caller keeps ownership of its descriptors. The process is a child
 * of this one: register it with the reaper (`reaper.spawned(pid)`), which also reports when it was killed.
 * @param owner the run directory and the container, by which `findFdHolders` finds an fd holder that no record names
 * @throws {TsdError} runtime_missing, system_call
 */
export function startFdHolder(held: HeldFds<number>, owner = "", calls: FdHolderCalls = SYSTEM_CALLS): FdHolderRef {
  using duplicates = new DisposableStack();
  const stdio = [...NULL_STDIO];
  for (const name of NAMES) {
    const source = held[name];
    if (source === undefined) continue;
    // A source below HELD_FDS could be overwritten by another target before it is duplicated.
    const fd = source >= HELD_FDS
      ? source
      : duplicates.use(new OwnedFd(calls.pipes.duplicate(source, HELD_FDS), calls.files)).fd;
    stdio.push({ target: FD_NUMBERS[name], fd });
  }
  const pid = spawnSleep(stdio, owner, calls);
  using onError = new DisposableStack();
  // The process hasn't been reaped, so its pid can't have been reused.
  onError.defer(() => calls.processes.kill(pid, SIG.KILL));
  const startTicks = calls.startTime(pid);
  onError.move();
  if (startTicks === undefined) throw new TsdError("runtime_failed", `The keeper ${owner} (pid ${pid}) ended at once`);
  return { pid, startTicks: String(startTicks) };
}

function spawnSleep(stdio: readonly ChildStdio[], owner: string, calls: FdHolderCalls): number {
  for (const path of PROGRAMS) {
    try {
      const argv = ["sleep", SLEEP_SECONDS];
      return calls.processes.spawn({
        path,
        argv,
        env: { [OWNER_VARIABLE]: owner },
        stdio,
        inheritFdsBelow: HELD_FDS,
        cwd: "/",
      });
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT")) throw thrown;
    }
  }
  throw new TsdError("runtime_missing", `Cannot start a keeper: none of ${PROGRAMS.join(", ")} is there`);
}

/**
 * Returns duplicates of all descriptors that an fd holder holds; the caller closes them. The fd holder keeps its own.
 * Returns `{}` if the fd holder has exited.
 * @throws {SysError} EPERM without permission to trace the process, EMFILE
 */
export function retrieveFds({ pid, startTicks }: FdHolderRef, calls: FdHolderCalls = SYSTEM_CALLS): HeldFds<OwnedFd> {
  using fdHolder = openFdHolder({ pid, startTicks }, calls);
  if (fdHolder === undefined) return {};
  using onError = new DisposableStack();
  const retrieved: [string, OwnedFd][] = [];
  for (const name of NAMES) {
    const fd = retrieveFd(fdHolder.fd, FD_NUMBERS[name], calls);
    if (fd !== undefined) retrieved.push([name, onError.use(fd)]);
  }
  onError.move();
  return Object.fromEntries(retrieved);
}

/** Returns a duplicate of one descriptor; undefined if the fd holder has no such descriptor, or was just killed. */
function retrieveFd(holderFd: number, number: number, { processes, files }: FdHolderCalls): OwnedFd | undefined {
  try {
    return new OwnedFd(processes.pidfdGetfd(holderFd, number), files);
  } catch (thrown) {
    if (isErrno(thrown, "EBADF", "ESRCH")) return undefined;
    throw thrown;
  }
}

/** Opens a pidfd; undefined if the process has exited or the pid was reused. */
function openFdHolder(
  { pid, startTicks }: FdHolderRef,
  { processes, files, startTime }: FdHolderCalls,
): OwnedFd | undefined {
  using opened = new DisposableStack();
  let fd: OwnedFd;
  try {
    fd = opened.use(new OwnedFd(processes.pidfdOpen(pid), files));
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH")) return undefined;
    throw thrown;
  }
  // Checked after opening: if the pid belongs to the fd holder now, so does the pidfd.
  if (String(startTime(pid)) !== startTicks) return undefined;
  opened.move();
  return fd;
}

/** Kills an fd holder, if it still runs. The kernel closes the descriptors that only it held. */
export function stopFdHolder(fdHolder: FdHolderRef, calls: FdHolderCalls = SYSTEM_CALLS): void {
  using pidFd = openFdHolder(fdHolder, calls);
  if (pidFd === undefined) return;
  try {
    calls.processes.pidfdSendSignal(pidFd.fd, SIG.KILL);
  } catch (thrown) {
    if (!isErrno(thrown, "ESRCH")) throw thrown;
  }
}
