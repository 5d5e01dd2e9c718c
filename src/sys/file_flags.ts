/**
 * @module
 * What a file system keeps of a file besides its mode: flags as chattr(1) sets them (ioctl_iflags(2)), and fs-verity
 * (Linux Documentation/filesystems/fsverity.rst).
 */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

/** Every call throws {@link SysError}. ENOTTY, EOPNOTSUPP: the file system has no such thing. */
export interface FileFlagCalls {
  /** The `FS_FL` flags of the file behind `fd`. */
  fileFlags(fd: number): number;
  /** IMMUTABLE and APPEND take CAP_LINUX_IMMUTABLE (EPERM). */
  setFileFlags(fd: number, flags: number): void;
  /**
   * Has the kernel check the file's content (SHA-256 over blocks of 4096 bytes) whenever it is read, for ever: reads the
   * whole file once. `fd` is open for reading, and the file for writing nowhere (ETXTBSY). EEXIST: it is so already.
   */
  enableVerity(fd: number): void;
}

/** linux/fs.h: flags of a file. */
export const FS_FL = { IMMUTABLE: 0x10, APPEND: 0x20, VERITY: 0x100000 } as const;

/** linux/fs.h: `_IOR('f', 1, long)` and `_IOW('f', 2, long)`, of which file systems read and write 32 bits. */
export const FS_IOC = { GETFLAGS: 0x80086601n, SETFLAGS: 0x40086602n } as const;

/** linux/fsverity.h: `_IOW('f', 133, struct fsverity_enable_arg)`, and the struct's size and fields that are set. */
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
