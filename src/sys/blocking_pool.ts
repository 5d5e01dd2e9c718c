/**
 * @module
 * System calls on a thread of Deno's blocking pool, so that calls that wait for a disk don't block the event loop. The
 * pool has few threads, and the runtime needs them for other work: never use it for a pipe or a terminal, where a write
 * may block forever.
 */
import { checked, unblocked } from "./check.ts";
import { cString } from "./cstring.ts";
import { libc } from "./libc.ts";

/** Calls that run on a thread of the blocking pool. They throw {@link SysError}. */
export interface BlockingCalls {
  /**
   * Calls write(2) on a regular file at the descriptor's own offset and returns the number of bytes written. The caller
   * must not change the bytes meanwhile.
   */
  writeBlocking(fd: number, bytes: Uint8Array): Promise<number | "again">;
  /**
   * Calls umount2(2) and ignores its result. To learn whether the mount was removed, or why not, call `umount2`
   * afterwards. (When an overlay is unmounted, Linux syncs the whole file system of its upper directory.)
   */
  umountBlocking(target: string, flags?: number): Promise<void>;
  /** Calls syncfs(2): syncs the whole file system that `fd` is on. */
  syncfsBlocking(fd: number): Promise<void>;
}

/** The real {@link BlockingCalls}. */
export const blockingCalls: BlockingCalls = {
  async writeBlocking(fd, bytes) {
    // The FFI accepts any view; its type requires one that is not shared.
    const buffer = bytes as Uint8Array<ArrayBuffer>;
    // SAFETY: the length is that of the view, which is referenced here until the call has returned.
    const written = await libc.writeBlocking(fd, buffer, BigInt(bytes.byteLength));
    if (written >= 0) return Number(written);
    // The errno of the other thread is out of reach. A disk that fails fails again at once, on this thread.
    return unblocked(() => libc.write(fd, buffer, BigInt(bytes.byteLength)), "write", fd);
  },
  async umountBlocking(target, flags = 0) {
    const path = cString(target);
    // SAFETY: the path ends with NUL and is referenced here until the call has returned.
    await libc.umountBlocking(path, flags);
  },
  async syncfsBlocking(fd) {
    // SAFETY: no memory is passed. The errno of the other thread is out of reach: a disk that fails fails again at
    // once.
    if (await libc.syncfsBlocking(fd) !== 0) checked(libc.syncfs(fd), "syncfs", fd);
  },
};
