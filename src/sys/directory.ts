/**
 * @module
 * What is in a folder. Deno leaves out names that aren't UTF-8, and takes paths only.
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** A name in a folder. */
export interface DirectoryEntry {
  /** A byte string: each character is one byte. */
  readonly name: string;
  /** What it was when the folder was read: compare with `S.IFDIR` and the like; 0 where the file system doesn't say. */
  readonly type: number;
}

/** Every call throws {@link SysError}. */
export interface DirectoryCalls {
  /** All names but `.` and `..`, in no order, from where the descriptor (opened for reading) stands. */
  readDir(fd: number): DirectoryEntry[];
}

/** `struct linux_dirent64`: offsets of the fields that are read. The name ends with NUL. */
export const DIRENT = { d_reclen: 16, d_type: 18, d_name: 19 } as const;

const BUFFER_BYTES = 64 * 1024;
/** From `DT_DIR` and the like to `S.IFDIR` and the like. */
const TYPE_SHIFT = 12;

// Calls are synchronous and give out nothing of it, so one per thread does.
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
