/**
 * @module
 * Pipes, and the flags of open descriptors.
 */
import { checked } from "./check.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";

/** Every call throws {@link SysError}. */
export interface PipeCalls {
  /** A pipe; both ends have close-on-exec. `O.NONBLOCK` and `O.DIRECT` may be added. */
  pipe2(flags?: number): { readonly readFd: number; readonly writeFd: number };
  /** Asks for a capacity and returns what it became. EPERM above /proc/sys/fs/pipe-max-size without CAP_SYS_RESOURCE. */
  setPipeSize(fd: number, sizeBytes: number): number;
  pipeSize(fd: number): number;
  /** Concerns every duplicate: never do it to a descriptor that another process shares. */
  setNonBlocking(fd: number, on: boolean): void;
  setCloseOnExec(fd: number, on: boolean): void;
}

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const FD_CLOEXEC = 1;

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
  setPipeSize: (fd, sizeBytes) => fcntl(fd, F_SETPIPE_SZ, sizeBytes),
  pipeSize: (fd) => fcntl(fd, F_GETPIPE_SZ, 0),
  setNonBlocking(fd, on) {
    const flags = fcntl(fd, F_GETFL, 0);
    fcntl(fd, F_SETFL, on ? flags | O.NONBLOCK : flags & ~O.NONBLOCK);
  },
  setCloseOnExec: (fd, on) => void fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0),
};
