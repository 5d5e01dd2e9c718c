/**
 * @module
 * Calls on a thread of Deno's pool: what has to wait for a disk must not hold the caller's thread up. These threads are few,
 * and much else waits for them: never for a pipe or a terminal, which may be full for ever.
 */
import { checked, unblocked } from "./check.ts";
import { cString } from "./cstring.ts";
import { libc } from "./libc.ts";

/** Throws {@link SysError}. */
export interface BlockingCalls {
  /** write(2) to a regular file at its descriptor's own offset: bytes taken. They must stay as they are meanwhile. */
  writeBlocking(fd: number, bytes: Uint8Array): Promise<number | "again">;
  /**
   * Tries umount2(2). Whether it worked, or why not, the same call on this thread says. (When an overlay goes, Linux syncs
   * the whole file system that it writes to, whoever wrote there.)
   */
  umountBlocking(target: string, flags?: number): Promise<void>;
  /** syncfs(2): all of the file system that a descriptor is on. */
  syncfsBlocking(fd: number): Promise<void>;
}

/** The real {@link BlockingCalls}. */
export const away: BlockingCalls = {
  async writeBlocking(fd, bytes) {
    // The FFI accepts any view; its type asks for one that is not shared.
    const buffer = bytes as Uint8Array<ArrayBuffer>;
    // SAFETY: the length is that of the view, which is referenced here until the call has returned.
    const written = await libc.writeBlocking(fd, buffer, BigInt(bytes.byteLength));
    if (written >= 0) return Number(written);
    // The errno of the other thread is out of reach: a disk that refuses does so again, at once.
    return unblocked(() => libc.write(fd, buffer, BigInt(bytes.byteLength)), "write", fd);
  },
  async umountBlocking(target, flags = 0) {
    const path = cString(target);
    // SAFETY: the path ends with NUL and is referenced here until the call has returned.
    await libc.umountBlocking(path, flags);
  },
  async syncfsBlocking(fd) {
    // SAFETY: no memory is passed. The errno of the other thread is out of reach: a disk that refuses does so again.
    if (await libc.syncfsBlocking(fd) !== 0) checked(libc.syncfs(fd), "syncfs", fd);
  },
};
