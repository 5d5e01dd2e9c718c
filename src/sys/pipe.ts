/**
 * @module
 * Pipes, and the flags of open descriptors.
 */
import { checked, unblocked } from "./check.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";

/** Calls on pipes and descriptors. Every call throws {@link SysError}. */
export interface PipeCalls {
  /** Opens a pipe; both ends have close-on-exec. `O.NONBLOCK` and `O.DIRECT` may be added. */
  pipe2(flags?: number): { readonly readFd: number; readonly writeFd: number };
  /**
   * Requests a capacity and returns the actual one. EPERM above /proc/sys/fs/pipe-max-size without CAP_SYS_RESOURCE.
   */
  setPipeSize(fd: number, sizeBytes: number): number;
  pipeSize(fd: number): number;
  /**
   * Sets or clears O_NONBLOCK. It applies to every duplicate: never call it on a descriptor shared with another
   * process.
   */
  setNonBlocking(fd: number, on: boolean): void;
  /** Sets or clears close-on-exec; cleared for descriptors that have to survive `execve`. */
  setCloseOnExec(fd: number, on: boolean): void;
  /** Duplicates a descriptor, with close-on-exec, to the lowest free number from `atLeast` on. */
  duplicate(fd: number, atLeast?: number): number;
  /**
   * Calls tee(2): copies readable data from one pipe to another without consuming it. Returns the number of bytes: 0 at
   * the end, "again" when there is no data or no room. Never blocks.
   */
  tee(fromFd: number, toFd: number, sizeBytes: number): number | "again";
}

/** The commands of fcntl(2) used here. */
export const F = { DUPFD_CLOEXEC: 1030, SETFD: 2, GETFL: 3, SETFL: 4, SETPIPE_SZ: 1031, GETPIPE_SZ: 1032 } as const;
const FD_CLOEXEC = 1;
const SPLICE_F_NONBLOCK = 2;

function fcntl(fd: number, command: number, argument: number): number {
  // SAFETY: none of the commands used here takes an address.
  return checked(libc.fcntl(fd, command, argument), "fcntl", fd);
}

/** The real {@link PipeCalls}. */
export const pipes: PipeCalls = {
  pipe2(flags = 0) {
    const ends = new Int32Array(2);
    // SAFETY: ends is the int[2] that the call writes.
    checked(libc.pipe2(ends, flags | O.CLOEXEC), "pipe2");
    return { readFd: ends[0], writeFd: ends[1] };
  },
  setPipeSize: (fd, sizeBytes) => fcntl(fd, F.SETPIPE_SZ, sizeBytes),
  pipeSize: (fd) => fcntl(fd, F.GETPIPE_SZ, 0),
  setNonBlocking(fd, on) {
    const flags = fcntl(fd, F.GETFL, 0);
    fcntl(fd, F.SETFL, on ? flags | O.NONBLOCK : flags & ~O.NONBLOCK);
  },
  setCloseOnExec: (fd, on) => void fcntl(fd, F.SETFD, on ? FD_CLOEXEC : 0),
  duplicate: (fd, atLeast = 0) => fcntl(fd, F.DUPFD_CLOEXEC, atLeast),
  tee: (fromFd, toFd, sizeBytes) =>
    // SAFETY: no memory is passed.
    unblocked(() => libc.tee(fromFd, toFd, BigInt(sizeBytes), SPLICE_F_NONBLOCK), "tee", fromFd),
};
