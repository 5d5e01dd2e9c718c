/**
 * @module
 * Flags and constants of Linux system calls, grouped by their prefix in the manual pages. Values that differ between
 * architectures come from `arch.ts`.
 */
import { ARCH } from "./arch.ts";

/** open(2). O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE differ on aarch64. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  DIRECT: ARCH.openFlags.direct,
  LARGEFILE: ARCH.openFlags.largeFile,
  DIRECTORY: ARCH.openFlags.directory,
  NOFOLLOW: ARCH.openFlags.noFollow,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  SYNC: 0o4010000,
  PATH: 0o10000000,
  TMPFILE: 0o20000000 | ARCH.openFlags.directory,
} as const;

/** Flags of the `*at` calls. `FDCWD` stands for the working directory. */
export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
} as const;

/** Flags of openat2(2), `how.resolve`. */
export const RESOLVE = {
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  BENEATH: 0x08,
  IN_ROOT: 0x10,
} as const;

/** inode(7): file types and special bits of a mode. */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o60000,
  IFDIR: 0o40000,
  IFCHR: 0o20000,
  IFIFO: 0o10000,
  ISUID: 0o4000,
  ISGID: 0o2000,
  ISVTX: 0o1000,
} as const;

/** renameat2(2). */
export const RENAME = { NOREPLACE: 1, EXCHANGE: 2, WHITEOUT: 4 } as const;

/** setxattr(2). */
export const XATTR = { CREATE: 1, REPLACE: 2 } as const;

/** mount(2). */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  DIRSYNC: 128,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  STRICTATIME: 1 << 24,
} as const;

/** umount2(2). */
export const MNT = { FORCE: 1, DETACH: 2, EXPIRE: 4, NOFOLLOW: 8 } as const;

/** fsmount(2) and mount_setattr(2). */
export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  NOATIME: 0x10,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x200000,
} as const;

/** open_tree(2). */
export const OPEN_TREE = { CLONE: 1, CLOEXEC: 0o2000000 } as const;

/** move_mount(2). */
export const MOVE_MOUNT = {
  F_SYMLINKS: 0x1,
  F_EMPTY_PATH: 0x4,
  T_SYMLINKS: 0x10,
  T_EMPTY_PATH: 0x40,
} as const;

/** epoll_ctl(2): event bits. */
export const EPOLL = {
  IN: 0x1,
  PRI: 0x2,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDHUP: 0x2000,
  ONESHOT: 1 << 30,
  ET: 0x8000_0000,
} as const;

/** signal(7). These numbers are the same on x86_64 and aarch64. */
export const SIG = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** waitpid(2). */
export const WAIT = { NOHANG: 1 } as const;

/** waitpid(2): the `pid` that stands for any child. */
export const ANY_CHILD = -1;

/** prlimit(2): resource numbers, the same on x86_64 and aarch64. */
export const RLIMIT = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;

/** prlimit(2): the value that means "no limit". */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** statfs(2): `f_type` of the file systems that tsd distinguishes. */
export const FS_MAGIC = {
  BTRFS: 0x9123683en,
  EROFS: 0xe0f5e1e2n,
  EXT4: 0xef53n,
  OVERLAYFS: 0x794c7630n,
  TMPFS: 0x01021994n,
  XFS: 0x58465342n,
  CGROUP: 0x27e0ebn,
  CGROUP2: 0x63677270n,
  NSFS: 0x6e736673n,
} as const;
