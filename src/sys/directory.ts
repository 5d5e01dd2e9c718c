/**
 * @module
 * Reading directories. Deno omits names that aren't UTF-8, and only accepts paths.
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** An entry of a directory. */
export interface DirectoryEntry {
  /** A byte string: each character is one byte. */
  readonly name: string;
  /**
   * The file type when the directory was read: compare with `S.IFDIR` and the like; 0 if the file system doesn't report
   * it.
   */
  readonly type: number;
}

/** Calls on directories. Every call throws {@link SysError}. */
export interface DirectoryCalls {
  /**
   * Returns all entries but `.` and `..`, unordered, from the descriptor's current offset on. `fd` must be open for
   * reading.
   */
  readDir(fd: number): DirectoryEntry[];
}

/** `struct linux_dirent64`: offsets of the fields read here. The name ends with NUL. */
export const DIRENT = { d_reclen: 16, d_type: 18, d_name: 19 } as const;

const BUFFER_BYTES = 64 * 1024;
/** Shift from `DT_DIR` and the like to `S.IFDIR` and the like. */
const TYPE_SHIFT = 12;

// Calls are synchronous and return no view of the buffer, so one per thread suffices.
let buffer: Uint8Array<ArrayBuffer> | undefined;

function readDir(fd: number): DirectoryEntry[] {
  buffer ??= new Uint8Array(BUFFER_BYTES);
  const entries: DirectoryEntry[] = [];
  for (;;) {
    // SAFETY: the length is that of the buffer, which lives until the call returns.
    const count = checked(libc.getdents64(fd, buffer, BigInt(BUFFER_BYTES)), "getdents64", fd);
    if (count === 0) return entries;
    for (let at = 0; at < count;) {
      const end = at + (buffer[at + DIRENT.d_reclen]! | buffer[at + DIRENT.d_reclen + 1]! << 8);
      const name = textUpToNul(buffer, at + DIRENT.d_name, end);
      if (name !== "." && name !== "..") entries.push({ name, type: buffer[at + DIRENT.d_type]! << TYPE_SHIFT });
      at = end;
    }
  }
}

function textUpToNul(bytes: Uint8Array, start: number, limit: number): string {
  let text = "";
  for (let at = start; at < limit && bytes[at] !== 0; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The real {@link DirectoryCalls}. */
export const dirs: DirectoryCalls = { readDir };
