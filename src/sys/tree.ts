/**
 * @module
 * Creating, removing and renaming entries of an open directory. Names are resolved from `dirFd`: pass single path
 * components, so that no symbolic link can redirect the path.
 */
import { checked } from "./check.ts";
import type { CString } from "./cstring.ts";
import { errnoOf, SysError } from "./errno.ts";
import { libc } from "./libc.ts";

/** Calls on directory entries. Every call throws {@link SysError}. Modes are subject to the umask of the process. */
export interface TreeCalls {
  mkdirat(dirFd: number, name: CString, mode: number): void;
  /** Creates a symbolic link `name` to `target`, which is not resolved. */
  symlinkat(target: CString, dirFd: number, name: CString): void;
  /** Creates a hard link. Without `AT.SYMLINK_FOLLOW`, a symbolic link itself is linked. */
  linkat(fromDirFd: number, fromName: CString, toDirFd: number, toName: CString, flags?: number): void;
  /** `mode` holds the type (`S.IFCHR` …) and permissions; `device` is used for devices only. */
  mknodat(dirFd: number, name: CString, mode: number, device?: DeviceNumber): void;
  mkfifoat(dirFd: number, name: CString, mode: number): void;
  /** Removes a file; with `AT.REMOVEDIR`, an empty directory. */
  unlinkat(dirFd: number, name: CString, flags?: number): void;
  /** `RENAME` flags: NOREPLACE (EEXIST when the target exists), EXCHANGE. */
  renameat2(fromDirFd: number, fromName: CString, toDirFd: number, toName: CString, flags?: number): void;
  /**
   * Returns the target of a symbolic link as bytes, without NUL. With an empty name: of the link that `dirFd` (O_PATH)
   * refers to.
   */
  readlinkat(dirFd: number, name: CString): Uint8Array<ArrayBuffer>;
}

/** A device by its two numbers. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/**
 * Encodes a device number as glibc's `makedev`: 12 low and 20 high bits of major, 8 low and 24 high bits of minor,
 * interleaved.
 */
export function makeDevice({ major, minor }: DeviceNumber): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & 0xffff_ff00n) << 12n) | ((high & 0xffff_f000n) << 32n);
}

// The kernel's PATH_MAX; no link's target is longer.
const LINK_MAX_BYTES = 4096;

// SAFETY (all calls below): names end with NUL, live until the call returns, and are not kept by the kernel.
/** The real {@link TreeCalls}. */
export const tree: TreeCalls = {
  mkdirat: (dirFd, name, mode) => void checked(libc.mkdirat(dirFd, name, mode), "mkdirat", name),
  symlinkat: (target, dirFd, name) => void checked(libc.symlinkat(target, dirFd, name), "symlinkat", name),
  linkat: (fromDirFd, fromName, toDirFd, toName, flags = 0) =>
    void checked(libc.linkat(fromDirFd, fromName, toDirFd, toName, flags), "linkat", toName),
  mknodat: (dirFd, name, mode, device = { major: 0, minor: 0 }) =>
    void checked(libc.mknodat(dirFd, name, mode, makeDevice(device)), "mknodat", name),
  mkfifoat: (dirFd, name, mode) => void checked(libc.mkfifoat(dirFd, name, mode), "mkfifoat", name),
  unlinkat: (dirFd, name, flags = 0) => void checked(libc.unlinkat(dirFd, name, flags), "unlinkat", name),
  renameat2: (fromDirFd, fromName, toDirFd, toName, flags = 0) =>
    void checked(libc.renameat2(fromDirFd, fromName, toDirFd, toName, flags), "renameat2", fromName),
  readlinkat(dirFd, name) {
    const buffer = new Uint8Array(LINK_MAX_BYTES);
    const length = checked(libc.readlinkat(dirFd, name, buffer, BigInt(buffer.length)), "readlinkat", name);
    // The kernel truncates silently.
    if (length === buffer.length) throw new SysError("readlinkat", errnoOf("ENAMETOOLONG"));
    return buffer.slice(0, length);
  },
};
