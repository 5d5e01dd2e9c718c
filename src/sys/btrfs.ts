/**
 * @module
 * Subvolumes and snapshots of btrfs, and files that share their data (linux/btrfs.h, ioctl_ficlone(2)).
 */
import { checked, failed } from "./check.ts";
import { type CString, cText } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { libc } from "./libc.ts";

/** Every call throws {@link SysError}. ENOTTY, EOPNOTSUPP: it is another file system. Names are single ones. */
export interface BtrfsCalls {
  /** A new, empty subvolume. */
  createSubvolume(parentFd: number, name: CString): void;
  /** A new subvolume that has what the one behind `sourceFd` has now; with `isReadOnly` it stays so. */
  snapshotSubvolume(parentFd: number, name: CString, source: SnapshotSource): void;
  /** Removes a subvolume with all that is in it, read-only or not. ENOTEMPTY: there is another one inside it. */
  destroySubvolume(parentFd: number, name: CString): void;
  isReadOnlySubvolume(fd: number): boolean;
  setReadOnlySubvolume(fd: number, isReadOnly: boolean): void;
  /** Gives an empty file the data of another one of the same file system, without copying any. */
  cloneFile(toFd: number, fromFd: number): void;
}

/** What a snapshot is made of: a descriptor of a subvolume's own folder. */
export interface SnapshotSource {
  readonly fd: number;
  readonly isReadOnly: boolean;
}

/** The inode of a subvolume's own folder; in other folders it is a file's. */
export const BTRFS_SUBVOLUME_INODE = 256n;

/** The requests that are made, and `FICLONE` of linux/fs.h. */
export const BTRFS_IOC = {
  SNAP_DESTROY: 0x5000940fn,
  SNAP_CREATE_V2: 0x50009417n,
  SUBVOL_CREATE_V2: 0x50009418n,
  SUBVOL_GETFLAGS: 0x80089419n,
  SUBVOL_SETFLAGS: 0x4008941an,
} as const;
export const FICLONE = 0x40049409n;
export const BTRFS_SUBVOL_RDONLY = 2n;

/** `struct btrfs_ioctl_vol_args` and its second version: size, and offsets of the fields that are set. */
export const VOLUME_ARGS = { sizeBytes: 4096, name: 8 } as const;
export const VOLUME_ARGS_V2 = { sizeBytes: 4096, fd: 0, flags: 16, name: 56 } as const;
/** Of a path's component. */
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
