/**
 * @module
 * Inode flags as chattr(1) sets them (ioctl_iflags(2)), and fs-verity (Linux Documentation/filesystems/fsverity.rst).
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** Every call throws {@link SysError}. ENOTTY, EOPNOTSUPP: the file system doesn't support it. */
export interface FileFlagCalls {
  /** Returns the `FS_FL` flags of the file that `fd` refers to. */
  fileFlags(fd: number): number;
  /** Sets the `FS_FL` flags. IMMUTABLE and APPEND need CAP_LINUX_IMMUTABLE (EPERM). */
  setFileFlags(fd: number, flags: number): void;
  /**
   * Enables fs-verity for good: the kernel verifies the file's content (SHA-256 over blocks of 4096 bytes) on every
   * read. Reads the whole file once. `fd` must be open for reading, and no descriptor may be open for writing
   * (ETXTBSY). EEXIST: already enabled.
   */
  enableVerity(fd: number): void;
}

/** linux/fs.h: flags of a file. */
export const FS_FL = { IMMUTABLE: 0x10, APPEND: 0x20, VERITY: 0x100000 } as const;

/** linux/fs.h: `_IOR('f', 1, long)` and `_IOW('f', 2, long)`. File systems read and write 32 bits only. */
export const FS_IOC = { GETFLAGS: 0x80086601n, SETFLAGS: 0x40086602n } as const;

/** linux/fsverity.h: `_IOW('f', 133, struct fsverity_enable_arg)`, and size and field offsets of the struct. */
export const FS_IOC_ENABLE_VERITY = 0x40806685n;
export const FSVERITY_ENABLE = { sizeBytes: 128, version: 0, hash_algorithm: 4, block_size: 8 } as const;
export const FS_VERITY_HASH_ALG_SHA256 = 1;
const VERITY_VERSION = 1;
const VERITY_BLOCK_BYTES = 4096;

/** The real {@link FileFlagCalls}. */
export const fileFlags: FileFlagCalls = {
  fileFlags(fd) {
    const flags = new Uint32Array(2);
    // SAFETY: flags has the size of a long, which is what the request's number says.
    checked(libc.ioctl(fd, FS_IOC.GETFLAGS, flags), "ioctl FS_IOC_GETFLAGS", fd);
    return flags[0]!;
  },
  setFileFlags(fd, flags) {
    // SAFETY: as above; the call only reads it.
    checked(libc.ioctl(fd, FS_IOC.SETFLAGS, new Uint32Array([flags, 0])), "ioctl FS_IOC_SETFLAGS", fd);
  },
  enableVerity(fd) {
    const argument = new Uint8Array(FSVERITY_ENABLE.sizeBytes);
    const view = new DataView(argument.buffer);
    view.setUint32(FSVERITY_ENABLE.version, VERITY_VERSION, true);
    view.setUint32(FSVERITY_ENABLE.hash_algorithm, FS_VERITY_HASH_ALG_SHA256, true);
    view.setUint32(FSVERITY_ENABLE.block_size, VERITY_BLOCK_BYTES, true);
    // SAFETY: argument is a struct fsverity_enable_arg without salt and signature, whose pointers stay NULL.
    checked(libc.ioctl(fd, FS_IOC_ENABLE_VERITY, argument), "ioctl FS_IOC_ENABLE_VERITY", fd);
  },
};
