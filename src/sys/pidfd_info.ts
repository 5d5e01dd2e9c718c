/**
 * @module
 * Information about the process behind a pidfd (ioctl PIDFD_GET_INFO, linux/pidfd.h). Since Linux 6.15 it includes the
 * exit status for every process that held a pidfd when the process was reaped, not only for its parent.
 */
import { failed } from "./check.ts";
import { errnoOf } from "./errno.ts";
import { errno, libc } from "./libc.ts";
import { decodeStatus, type ProcessExit } from "./wait_status.ts";

/**
 * State of the process behind a pidfd. Both fields are undefined if it was reaped and the kernel didn't keep its
 * status.
 */
export interface PidfdInfo {
  /** The pid in our pid namespace, while the process runs or is a zombie; undefined once it was reaped. */
  readonly pid: number | undefined;
  /** How it exited; undefined until it was reaped. */
  readonly exit: ProcessExit | undefined;
}

/** `struct pidfd_info`, first version (6.13): later fields are not read. The same on all architectures. */
export const PIDFD_INFO = { sizeBytes: 64, pid: 16, exit_code: 60 } as const;
/** Bits of `mask`: requested by the caller, set by the kernel for the fields that it filled. */
export const PIDFD_INFO_MASK = { PID: 1n, EXIT: 8n } as const;
/** `_IOWR(0xff, 11, struct pidfd_info)`. */
export const PIDFD_GET_INFO = 0xc000ff0bn | (BigInt(PIDFD_INFO.sizeBytes) << 16n);

/** Errors of a kernel before 6.13, which doesn't know the request, and of a descriptor that is no pidfd. */
const UNKNOWN_REQUEST = [errnoOf("ENOTTY"), errnoOf("EINVAL")];
const ESRCH = errnoOf("ESRCH");

/** Part of `ProcessCalls`. @throws {SysError} */
export function pidfdInfo(pidFd: number): PidfdInfo | undefined {
  const info = new Uint8Array(PIDFD_INFO.sizeBytes);
  const v = new DataView(info.buffer);
  v.setBigUint64(0, PIDFD_INFO_MASK.PID | PIDFD_INFO_MASK.EXIT, true);
  // SAFETY: info has the size that is part of the request's number.
  if (libc.ioctl(pidFd, PIDFD_GET_INFO, info) < 0) {
    const code = errno();
    if (UNKNOWN_REQUEST.includes(code)) return undefined;
    if (code === ESRCH) return { pid: undefined, exit: undefined };
    failed(code, "ioctl PIDFD_GET_INFO", pidFd);
  }
  const filled = v.getBigUint64(0, true);
  const has = (bit: bigint) => (filled & bit) !== 0n;
  return {
    pid: has(PIDFD_INFO_MASK.PID) ? v.getUint32(PIDFD_INFO.pid, true) : undefined,
    exit: has(PIDFD_INFO_MASK.EXIT) ? decodeStatus(v.getInt32(PIDFD_INFO.exit_code, true)) : undefined,
  };
}
