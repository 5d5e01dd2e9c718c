/**
 * @module
 * Owner, mode, times and size of files, and statistics of file systems. Extended attributes are in `xattr.ts`.
 */
import { checked } from "./check.ts";
import type { CString } from "./cstring.ts";
import { libc } from "./libc.ts";
import type { DeviceNumber } from "./tree.ts";

/** A point in time since the epoch; `nanoseconds` is 0 to 999,999,999, also before 1970. */
export interface Timespec {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** A time to set: a value, the current time, or "omit" to leave it unchanged. */
export type FileTime = Timespec | "now" | "omit";

/** The result of statx(2). */
export interface FileStatus {
  /** Type and permissions: compare `mode & S.IFMT`, take `mode & 0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** 512-byte blocks in use. */
  readonly blocks: number;
  readonly linkCount: number;
  readonly inode: bigint;
  /** The device of the file system that the file is on. */
  readonly device: DeviceNumber;
  /** The device that a device node stands for; 0:0 for other files. */
  readonly nodeDevice: DeviceNumber;
  readonly accessTime: Timespec;
  readonly modifyTime: Timespec;
  readonly changeTime: Timespec;
}

/** The result of statfs(2). */
export interface FilesystemStatus {
  /** `f_type`: compare with `FS_MAGIC`. */
  readonly magic: bigint;
  readonly totalBytes: number;
  /** Space available to unprivileged users. */
  readonly availableBytes: number;
  readonly totalInodes: number;
  readonly freeInodes: number;
}

/**
 * Calls on metadata. Every call throws {@link SysError}. `flags` are `AT` flags; an id of `0xffffffff` is left
 * unchanged.
 */
export interface MetadataCalls {
  fchown(fd: number, uid: number, gid: number): void;
  fchownat(dirFd: number, name: CString, uid: number, gid: number, flags?: number): void;
  fchmod(fd: number, mode: number): void;
  /** Follows symbolic links; with `AT.SYMLINK_NOFOLLOW` a symbolic link fails with EOPNOTSUPP. */
  fchmodat(dirFd: number, name: CString, mode: number, flags?: number): void;
  futimens(fd: number, accessTime: FileTime, modifyTime: FileTime): void;
  utimensat(dirFd: number, name: CString, accessTime: FileTime, modifyTime: FileTime, flags?: number): void;
  /** With an empty name and `AT.EMPTY_PATH`, the status of `dirFd` itself. */
  statx(dirFd: number, name: CString, flags?: number): FileStatus;
  statfs(path: CString): FilesystemStatus;
}

const UTIME_NOW = 0x3fff_ffffn;
const UTIME_OMIT = 0x3fff_fffen;
const STATX_BASIC_STATS = 0x7ff;

/** `struct statx` (linux/stat.h): size and offsets of the fields read here, the same on all architectures. */
export const STATX = {
  sizeBytes: 256,
  stx_nlink: 16,
  stx_uid: 20,
  stx_gid: 24,
  stx_mode: 28,
  stx_ino: 32,
  stx_size: 40,
  stx_blocks: 48,
  stx_atime: 64,
  stx_ctime: 96,
  stx_mtime: 112,
  stx_rdev_major: 128,
  stx_dev_major: 136,
} as const;

/** `struct statfs` of 64-bit machines: size and offsets of the fields read here. */
export const STATFS = {
  sizeBytes: 120,
  f_type: 0,
  f_bsize: 8,
  f_blocks: 16,
  f_bavail: 32,
  f_files: 40,
  f_ffree: 48,
  f_frsize: 72,
} as const;

// struct timespec[2]. Calls are synchronous, so one per thread suffices.
const times = new BigInt64Array(4);

function setTimes(accessTime: FileTime, modifyTime: FileTime): BigInt64Array<ArrayBuffer> {
  setTime(0, accessTime);
  setTime(2, modifyTime);
  return times;
}

function setTime(at: number, time: FileTime): void {
  if (typeof time === "string") {
    times[at] = 0n;
    times[at + 1] = time === "now" ? UTIME_NOW : UTIME_OMIT;
  } else {
    times[at] = time.seconds;
    times[at + 1] = BigInt(time.nanoseconds);
  }
}

function readStatus(v: DataView): FileStatus {
  const time = (at: number): Timespec => ({
    seconds: v.getBigInt64(at, true),
    nanoseconds: v.getUint32(at + 8, true),
  });
  const device = (at: number): DeviceNumber => ({ major: v.getUint32(at, true), minor: v.getUint32(at + 4, true) });
  return {
    mode: v.getUint16(STATX.stx_mode, true),
    uid: v.getUint32(STATX.stx_uid, true),
    gid: v.getUint32(STATX.stx_gid, true),
    sizeBytes: Number(v.getBigUint64(STATX.stx_size, true)),
    blocks: Number(v.getBigUint64(STATX.stx_blocks, true)),
    linkCount: v.getUint32(STATX.stx_nlink, true),
    inode: v.getBigUint64(STATX.stx_ino, true),
    device: device(STATX.stx_dev_major),
    nodeDevice: device(STATX.stx_rdev_major),
    accessTime: time(STATX.stx_atime),
    modifyTime: time(STATX.stx_mtime),
    changeTime: time(STATX.stx_ctime),
  };
}

function readFilesystem(v: DataView): FilesystemStatus {
  const count = (at: number) => Number(v.getBigUint64(at, true));
  const fragmentBytes = count(STATFS.f_frsize) || count(STATFS.f_bsize);
  return {
    magic: v.getBigUint64(STATFS.f_type, true),
    totalBytes: count(STATFS.f_blocks) * fragmentBytes,
    availableBytes: count(STATFS.f_bavail) * fragmentBytes,
    totalInodes: count(STATFS.f_files),
    freeInodes: count(STATFS.f_ffree),
  };
}

// SAFETY (all calls below): names end with NUL; the structs have at least the size that the kernel reads or writes;
// all live until the call returns and none is kept.
/** The real {@link MetadataCalls}. */
export const metadata: MetadataCalls = {
  fchown: (fd, uid, gid) => void checked(libc.fchown(fd, uid, gid), "fchown", fd),
  fchownat: (dirFd, name, uid, gid, flags = 0) =>
    void checked(libc.fchownat(dirFd, name, uid, gid, flags), "fchownat", name),
  fchmod: (fd, mode) => void checked(libc.fchmod(fd, mode), "fchmod", fd),
  fchmodat: (dirFd, name, mode, flags = 0) => void checked(libc.fchmodat(dirFd, name, mode, flags), "fchmodat", name),
  futimens: (fd, accessTime, modifyTime) =>
    void checked(libc.futimens(fd, setTimes(accessTime, modifyTime)), "futimens", fd),
  utimensat: (dirFd, name, accessTime, modifyTime, flags = 0) =>
    void checked(libc.utimensat(dirFd, name, setTimes(accessTime, modifyTime), flags), "utimensat", name),
  statx(dirFd, name, flags = 0) {
    const buffer = new Uint8Array(STATX.sizeBytes);
    checked(libc.statx(dirFd, name, flags, STATX_BASIC_STATS, buffer), "statx", name);
    return readStatus(new DataView(buffer.buffer));
  },
  statfs(path) {
    const buffer = new Uint8Array(STATFS.sizeBytes);
    checked(libc.statfs(path, buffer), "statfs", path);
    return readFilesystem(new DataView(buffer.buffer));
  },
};
