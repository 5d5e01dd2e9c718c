/**
 * @module
 * A keeper is a process that does nothing but hold a container's descriptors, so that neither input, terminal, buffered
 * output nor exit code is lost when the engine is killed: the next one takes them back (pidfd_getfd(2), which needs the
 * right to trace: root). One for each container, 0.1 MB private. It is `sleep`, because it is everywhere and knows
 * nothing; it has a session of its own and doesn't end by itself.
 *
 * What it holds stays open: a new keeper, without the input, has to take its place once the input is closed.
 */
import { TsdError } from "../errors.ts";
import type { ChildStdio, FileCalls, PipeCalls, ProcessCalls } from "../sys/mod.ts";
import { files, isErrno, O, OwnedFd, pipes, processes, processStartTime, SIG } from "../sys/mod.ts";

/** Names a keeper for good: a pid alone may be another process's one day. Plain JSON. */
export interface FdHolderRef {
  readonly pid: number;
  /** As in the container's record: clock ticks after boot, in decimal. */
  readonly startTicks: string;
}

/** What a keeper holds; `Fd` is a number on the way in and an {@link OwnedFd} on the way out. */
export interface Held<Fd> {
  /** Of the container's first process: the kernel keeps its exit status for whoever holds one. */
  readonly pidFd?: Fd;
  /** Writing end of the input. */
  readonly stdin?: Fd;
  /** Reading ends (O_RDONLY, as a writing one would hide the end) of the output: what isn't read yet stays. */
  readonly stdout?: Fd;
  readonly stderr?: Fd;
  /** Master of the pty: its last close would hang up the terminal. */
  readonly terminal?: Fd;
}

/** What keepers need of the machine. */
export interface FdHolderCalls {
  readonly processes: Pick<ProcessCalls, "spawn" | "kill" | "pidfdOpen" | "pidfdGetfd" | "pidfdSendSignal">;
  readonly pipes: Pick<PipeCalls, "duplicate">;
  readonly files: Pick<FileCalls, "close">;
  /** Clock ticks after boot; undefined: no such process. */
  readonly startTime: (pid: number) => bigint | undefined;
}

/** Where each is in the keeper. Keepers of other versions are out there: numbers may be added, never changed. */
const PLACES = { pidFd: 3, stdin: 4, stdout: 5, stderr: 6, terminal: 7 } as const satisfies Record<
  keyof Held<0>,
  number
>;
const NAMES = Object.keys(PLACES) as (keyof typeof PLACES)[];
const HELD_FDS = 8;

const PROGRAMS = ["/bin/sleep", "/usr/bin/sleep", "/run/current-system/sw/bin/sleep"];
/** In seconds: 68 years. Not every `sleep` knows "infinity". */
const FOR_EVER = "2147483647";
/** The environment variable that tells a keeper from other sleeping processes. */
export const OWNER_VARIABLE = "TSD_KEEPER";

const NULL_STDIO: readonly ChildStdio[] = [0, 1, 2].map((target) => ({ target, path: "/dev/null", flags: O.RDWR }));
const REAL: FdHolderCalls = { processes, pipes, files, startTime: processStartTime };

/**
 * Starts a keeper of duplicates; the caller's descriptors stay the caller's. It is a child of this process: tell the exit
 * loop (`exits.spawned(pid)`), which also says when somebody killed it.
 * @param owner whose it is (run folder and container): `fdHoldersOf` finds it by that when no record names it
 * @throws {TsdError} runtime_missing, system_call
 */
export function startFdHolder(held: Held<number>, owner = "", calls: FdHolderCalls = REAL): FdHolderRef {
  using duplicates = new DisposableStack();
  const stdio = [...NULL_STDIO];
  for (const name of NAMES) {
    const given = held[name];
    if (given === undefined) continue;
    // A number that is itself a place would be overwritten before it is used.
    const fd = given >= HELD_FDS
      ? given
      : duplicates.use(new OwnedFd(calls.pipes.duplicate(given, HELD_FDS), calls.files)).fd;
    stdio.push({ target: PLACES[name], fd });
  }
  const pid = spawnSleep(stdio, owner, calls);
  using unnamed = new DisposableStack();
  // Nobody else waits for it, so that the number is its own.
  unnamed.defer(() => calls.processes.kill(pid, SIG.KILL));
  const startTicks = calls.startTime(pid);
  unnamed.move();
  if (startTicks === undefined) throw new TsdError("runtime_failed", `The keeper ${owner} (pid ${pid}) ended at once`);
  return { pid, startTicks: String(startTicks) };
}

function spawnSleep(stdio: readonly ChildStdio[], owner: string, calls: FdHolderCalls): number {
  for (const path of PROGRAMS) {
    try {
      const argv = ["sleep", FOR_EVER];
      return calls.processes.spawn({
        path,
        argv,
        env: { [OWNER_VARIABLE]: owner },
        stdio,
        holdFds: HELD_FDS,
        cwd: "/",
      });
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT")) throw thrown;
    }
  }
  throw new TsdError("runtime_missing", `Cannot start a keeper: none of ${PROGRAMS.join(", ")} is there`);
}

/**
 * Duplicates of all that a keeper holds, the caller's to close; the keeper goes on holding its own. Nothing (`{}`) when
 * the keeper is gone, or the number is another process's by now.
 * @throws {SysError} EPERM without the right to trace it, EMFILE
 */
export function takeFromFdHolder({ pid, startTicks }: FdHolderRef, calls: FdHolderCalls = REAL): Held<OwnedFd> {
  using fdHolder = openFdHolder({ pid, startTicks }, calls);
  if (fdHolder === undefined) return {};
  using onError = new DisposableStack();
  const taken: [string, OwnedFd][] = [];
  for (const name of NAMES) {
    const fd = takeFd(fdHolder.fd, PLACES[name], calls);
    if (fd !== undefined) taken.push([name, onError.use(fd)]);
  }
  onError.move();
  return Object.fromEntries(taken);
}

/** One of the keeper's descriptors; undefined when it has none there, or has just been killed. */
function takeFd(holderFd: number, place: number, { processes, files }: FdHolderCalls): OwnedFd | undefined {
  try {
    return new OwnedFd(processes.pidfdGetfd(holderFd, place), files);
  } catch (thrown) {
    if (isErrno(thrown, "EBADF", "ESRCH")) return undefined;
    throw thrown;
  }
}

/** A pidfd, unless the process is gone or another. */
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
  // Asked after the opening: if the number is the keeper's now, the pidfd is the keeper's too.
  if (String(startTime(pid)) !== startTicks) return undefined;
  opened.move();
  return fd;
}

/** Ends a keeper, if it is still there; what only it held is closed. */
export function stopFdHolder(fdHolder: FdHolderRef, calls: FdHolderCalls = REAL): void {
  using pidFd = openFdHolder(fdHolder, calls);
  if (pidFd === undefined) return;
  try {
    calls.processes.pidfdSendSignal(pidFd.fd, SIG.KILL);
  } catch (thrown) {
    if (!isErrno(thrown, "ESRCH")) throw thrown;
  }
}
