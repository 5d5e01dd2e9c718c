/**
 * @module
 * Subvolumes and snapshots of btrfs, and reflinks (linux/btrfs.h, ioctl_ficlone(2)).
 */
import { checked, failed } from "./check.ts";
import { type CString, cText } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { libc } from "./libc.ts";

/**
 * Calls on btrfs. Every call throws {@link SysError}; ENOTTY, EOPNOTSUPP: not btrfs. Names are single path components.
 */
export interface BtrfsCalls {
  /** Creates an empty subvolume. */
  createSubvolume(parentFd: number, name: CString): void;
  /** Creates a snapshot of `source`, read-only if requested. */
  snapshotSubvolume(parentFd: number, name: CString, source: SnapshotSource): void;
  /** Deletes a subvolume and its content, read-only or not. ENOTEMPTY: it contains another subvolume. */
  destroySubvolume(parentFd: number, name: CString): void;
  isReadOnlySubvolume(fd: number): boolean;
  setReadOnlySubvolume(fd: number, isReadOnly: boolean): void;
  /** Clones a file's data into an empty file of the same file system; they share their blocks. */
  cloneFile(toFd: number, fromFd: number): void;
}

/** Source of a snapshot: a descriptor of the subvolume's root directory, and whether the snapshot is read-only. */
export interface SnapshotSource {
  readonly fd: number;
  readonly isReadOnly: boolean;
}

/** The inode number of a subvolume's root directory. No other directory of btrfs has it. */
export const BTRFS_SUBVOLUME_INODE = 256n;

/** The ioctl requests used here, and `FICLONE` of linux/fs.h. */
export const BTRFS_IOC = {
  SNAP_DESTROY: 0x5000940fn,
  SNAP_CREATE_V2: 0x50009417n,
  SUBVOL_CREATE_V2: 0x50009418n,
  SUBVOL_GETFLAGS: 0x80089419n,
  SUBVOL_SETFLAGS: 0x4008941an,
} as const;
export const FICLONE = 0x40049409n;
export const BTRFS_SUBVOL_RDONLY = 2n;

/** `struct btrfs_ioctl_vol_args` and its second version: size, and offsets of the fields used here. */
export const VOLUME_ARGS = { sizeBytes: 4096, name: 8 } as const;
export const VOLUME_ARGS_V2 = { sizeBytes: 4096, fd: 0, flags: 16, name: 56 } as const;
/** Longest path component. */
const NAME_MAX_BYTES = 255;

function withName(args: { readonly sizeBytes: number; readonly name: number }, name: CString): Uint8Array<ArrayBuffer> {
  if (name.length - 1 > NAME_MAX_BYTES) failed(errnoOf("ENAMETOOLONG"), "ioctl", cText(name));
  const bytes = new Uint8Array(args.sizeBytes);
  bytes.set(name, args.name);
  return bytes;
}

// SAFETY (all calls below): each argument has the size that is part of its request's number, and none is kept.
/** The real {@link BtrfsCalls}. */
export const btrfs: BtrfsCalls = {
  createSubvolume(parentFd, name) {
    const result = libc.ioctl(parentFd, BTRFS_IOC.SUBVOL_CREATE_V2, withName(VOLUME_ARGS_V2, name));
    checked(result, "ioctl BTRFS_IOC_SUBVOL_CREATE_V2", name);
  },
  snapshotSubvolume(parentFd, name, source) {
    const args = withName(VOLUME_ARGS_V2, name);
    const view = new DataView(args.buffer);
    view.setBigInt64(VOLUME_ARGS_V2.fd, BigInt(source.fd), true);
    view.setBigUint64(VOLUME_ARGS_V2.flags, source.isReadOnly ? BTRFS_SUBVOL_RDONLY : 0n, true);
    checked(libc.ioctl(parentFd, BTRFS_IOC.SNAP_CREATE_V2, args), "ioctl BTRFS_IOC_SNAP_CREATE_V2", name);
  },
  destroySubvolume(parentFd, name) {
    const result = libc.ioctl(parentFd, BTRFS_IOC.SNAP_DESTROY, withName(VOLUME_ARGS, name));
    checked(result, "ioctl BTRFS_IOC_SNAP_DESTROY", name);
  },
  isReadOnlySubvolume: (fd) => (flagsOf(fd) & BTRFS_SUBVOL_RDONLY) !== 0n,
  setReadOnlySubvolume(fd, isReadOnly) {
    const others = flagsOf(fd) & ~BTRFS_SUBVOL_RDONLY;
    const flags = new BigUint64Array([isReadOnly ? others | BTRFS_SUBVOL_RDONLY : others]);
    checked(libc.ioctl(fd, BTRFS_IOC.SUBVOL_SETFLAGS, flags), "ioctl BTRFS_IOC_SUBVOL_SETFLAGS", fd);
  },
  cloneFile: (toFd, fromFd) => void checked(libc.ioctlInt(toFd, FICLONE, BigInt(fromFd)), "ioctl FICLONE", fromFd),
};

function flagsOf(fd: number): bigint {
  const flags = new BigUint64Array(1);
  checked(libc.ioctl(fd, BTRFS_IOC.SUBVOL_GETFLAGS, flags), "ioctl BTRFS_IOC_SUBVOL_GETFLAGS", fd);
  return flags[0]!;
}
