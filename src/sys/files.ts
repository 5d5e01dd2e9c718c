/**
 * @module
 * Opening, reading and writing files by descriptor, and making writes durable. All calls are synchronous; on a blocking
 * descriptor they block the thread.
 */
import { ARCH } from "./arch.ts";
import { checked, failed, unblocked, uninterrupted } from "./check.ts";
import type { CString } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { O } from "./flags.ts";
import { errno, libc } from "./libc.ts";

/** The `struct open_how` of openat2(2). The kernel rejects unknown flags. */
export interface OpenHow {
  /** {@link O} flags; `O.CLOEXEC` is always added. */
  readonly flags: number;
  /** Permission bits of a newly created file; only with `O.CREAT` or `O.TMPFILE`. */
  readonly mode?: number;
  /** `RESOLVE` flags, which restrict path resolution. */
  readonly resolve?: number;
}

/**
 * Calls on files. Descriptors are plain numbers that the caller closes (see `OwnedFd`). Every call throws {@link
 * SysError}.
 */
export interface FileCalls {
  /** Calls open(2), with O_CLOEXEC added. */
  open(path: CString, flags: number, mode?: number): number;
  /** Calls openat(2), with O_CLOEXEC added. */
  openat(dirFd: number, name: CString, flags: number, mode?: number): number;
  /** Calls openat2(2), with O_CLOEXEC added. Retries up to 128 times after a race with a rename or mount (EAGAIN). */
  openat2(dirFd: number, path: CString, how: OpenHow): number;
  close(fd: number): void;
  /**
   * Returns the number of bytes read into `buffer`: 0 at the end of the file, "again" when a non-blocking descriptor
   * has no data.
   */
  read(fd: number, buffer: Uint8Array): number | "again";
  /** Returns the number of bytes written (may be fewer than given), "again" when a non-blocking descriptor is full. */
  write(fd: number, bytes: Uint8Array): number | "again";
  /** Reads at `offset`; returns the number of bytes read, 0 at the end of the file. */
  pread(fd: number, buffer: Uint8Array, offset: number): number;
  /** Writes at `offset`; returns the number of bytes written (may be fewer than given). */
  pwrite(fd: number, bytes: Uint8Array, offset: number): number;
}

/** Syncing files to disk, and copying between files without passing the data through this process. */
export interface DurabilityCalls {
  fsync(fd: number): void;
  fdatasync(fd: number): void;
  /** Calls syncfs(2): syncs the whole file system that `fd` is on. */
  syncfs(fd: number): void;
  ftruncate(fd: number, sizeBytes: number): void;
  /**
   * Returns the next extent with data at or after `offset`, or undefined if there is none. Moves the descriptor's file
   * offset.
   */
  nextData(fd: number, offset: number): DataExtent | undefined;
  /**
   * Calls copy_file_range(2); returns the number of bytes copied, 0 at the end of the source. The file offsets don't
   * move.
   */
  copyFileRange(range: CopyRange): number;
  /** Clones a whole file into another one (FICLONERANGE): they share their blocks until one of them is written to. */
  shareBlocks(fromFd: number, toFd: number): void;
}

/** A range of a file that may hold data. A file system without support for holes reports the whole file. */
export interface DataExtent {
  readonly start: number;
  readonly end: number;
}

/** A range to copy from file to file inside the kernel. */
export interface CopyRange {
  readonly fromFd: number;
  readonly fromOffset: number;
  readonly toFd: number;
  readonly toOffset: number;
  readonly sizeBytes: number;
}

const OPENAT2_MAX_ATTEMPTS = 128;
/** linux/fs.h: _IOW(0x94, 13, 32 bytes), the same on both architectures. */
const FICLONERANGE = 0x4020_940dn;
const EAGAIN = errnoOf("EAGAIN");
const EINTR = errnoOf("EINTR");
const ENXIO = errnoOf("ENXIO");
/** The `whence` values of lseek(2). */
const [SEEK_DATA, SEEK_HOLE] = [3, 4];

// struct open_how {flags, mode, resolve}. Calls are synchronous, so one per thread suffices.
const openHow = new BigUint64Array(3);

function openat2(dirFd: number, path: CString, how: OpenHow): number {
  openHow[0] = BigInt(how.flags | O.CLOEXEC);
  openHow[1] = BigInt(how.mode ?? 0);
  openHow[2] = BigInt(how.resolve ?? 0);
  for (let attempt = 1;; attempt++) {
    // SAFETY: path ends with NUL; openHow is 24 bytes, the size that is passed; the kernel keeps neither.
    const fd = libc.sysOpenat2(ARCH.syscalls.openat2, BigInt(dirFd), path, openHow, 24n);
    if (fd >= 0n) return Number(fd);
    const code = errno();
    if (code !== EINTR && (code !== EAGAIN || attempt === OPENAT2_MAX_ATTEMPTS)) failed(code, "openat2", path);
  }
}

// The FFI accepts any view; its type requires one that is not shared.
const view = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

/** The real {@link FileCalls}. */
export const files: FileCalls = {
  open: (path, flags, mode = 0) =>
    // SAFETY: path ends with NUL and is not kept.
    uninterrupted(() => libc.open(path, flags | O.CLOEXEC, mode), "open", path),
  openat: (dirFd, name, flags, mode = 0) =>
    // SAFETY: name ends with NUL and is not kept.
    uninterrupted(() => libc.openat(dirFd, name, flags | O.CLOEXEC, mode), "openat", name),
  openat2,
  close(fd) {
    // SAFETY: no memory is passed. On Linux the descriptor is closed even after EINTR, so the call is never retried.
    checked(libc.close(fd), "close", fd);
  },
  read: (fd, buffer) =>
    // SAFETY: the length is that of the view, which lives until the call returns.
    unblocked(() => libc.read(fd, view(buffer), BigInt(buffer.byteLength)), "read", fd),
  write: (fd, bytes) =>
    // SAFETY: as for read.
    unblocked(() => libc.write(fd, view(bytes), BigInt(bytes.byteLength)), "write", fd),
  pread: (fd, buffer, offset) =>
    // SAFETY: as for read.
    uninterrupted(() => libc.pread(fd, view(buffer), BigInt(buffer.byteLength), BigInt(offset)), "pread", fd),
  pwrite: (fd, bytes, offset) =>
    // SAFETY: as for read.
    uninterrupted(() => libc.pwrite(fd, view(bytes), BigInt(bytes.byteLength), BigInt(offset)), "pwrite", fd),
};

/** The real {@link DurabilityCalls}. */
export const durability: DurabilityCalls = {
  // SAFETY (all but the last): no memory is passed.
  fsync: (fd) => void uninterrupted(() => libc.fsync(fd), "fsync", fd),
  fdatasync: (fd) => void uninterrupted(() => libc.fdatasync(fd), "fdatasync", fd),
  syncfs: (fd) => void uninterrupted(() => libc.syncfs(fd), "syncfs", fd),
  ftruncate: (fd, sizeBytes) => void uninterrupted(() => libc.ftruncate(fd, BigInt(sizeBytes)), "ftruncate", fd),
  nextData(fd, offset) {
    const start = Number(libc.lseek(fd, BigInt(offset), SEEK_DATA));
    if (start < 0) {
      const code = errno();
      return code === ENXIO ? undefined : failed(code, "lseek", fd);
    }
    return { start, end: Number(checked(libc.lseek(fd, BigInt(start), SEEK_HOLE), "lseek", fd)) };
  },
  copyFileRange({ fromFd, fromOffset, toFd, toOffset, sizeBytes }) {
    const from = new BigInt64Array([BigInt(fromOffset)]);
    const to = new BigInt64Array([BigInt(toOffset)]);
    return uninterrupted(
      // SAFETY: both offsets are 8 bytes that live until the call returns.
      () => libc.copy_file_range(fromFd, from, toFd, to, BigInt(sizeBytes), 0),
      "copy_file_range",
      fromFd,
    );
  },
  shareBlocks(fromFd, toFd) {
    // struct file_clone_range {src_fd, src_offset, src_length, dest_offset}; a length of 0 means the whole file.
    const range = new BigInt64Array([BigInt(fromFd), 0n, 0n, 0n]);
    // SAFETY: range is a struct file_clone_range, which the call only reads.
    checked(libc.ioctl(toFd, FICLONERANGE, range), "ioctl FICLONERANGE", toFd);
  },
};
