/** Clones a file, link or device into another directory, with all its attributes and without copying its data. */
import { AT, cBytes, cString, type FileStatus, O, OwnedFd, S, type Timespec } from "../../sys/mod.ts";
import { type ByteString, byteStringOf } from "../../tar/mod.ts";
import type { SubvolumeCalls } from "./calls.ts";

const INCOMPLETE = 0o600;
const EMPTY = cString("");
/** Overlayfs's xattrs of a layer are not part of the file. */
const isPortable = (key: string) => !key.startsWith("trusted.overlay.");

/** An entry that is not a directory; its name is free in the target directory. */
export interface ClonedEntry {
  readonly fromFd: number;
  readonly toFd: number;
  readonly name: ByteString;
  readonly status: FileStatus;
}

/** Clones an entry. @throws {SysError} */
export function cloneEntry(copy: ClonedEntry, calls: SubvolumeCalls): void {
  const { fromFd, toFd, status } = copy;
  const name = cBytes(copy.name);
  const type = status.mode & S.IFMT;
  if (type === S.IFREG) return createFile(copy, calls);
  if (type === S.IFLNK) calls.symlinkat(cBytes(byteStringOf(calls.readlinkat(fromFd, name))), toFd, name);
  else calls.mknodat(toFd, name, type | INCOMPLETE, status.nodeDevice);
  calls.fchownat(toFd, name, status.uid, status.gid, AT.SYMLINK_NOFOLLOW);
  const [from, to] = [fromFd, toFd].map((fd) => cBytes(`/proc/self/fd/${fd}/${copy.name}`));
  const keys = calls.llistxattr(from!).filter(isPortable);
  // Inherited from the parent directory, such as default ACLs.
  for (const key of calls.llistxattr(to!)) if (!keys.includes(key)) calls.lremovexattr(to!, cString(key));
  for (const key of keys) calls.lsetxattr(to!, cString(key), calls.lgetxattr(from!, cString(key)) ?? new Uint8Array(0));
  // Fchmodat follows links, so links are excluded.
  if (type !== S.IFLNK) calls.fchmodat(toFd, name, status.mode & 0o7777);
  calls.utimensat(toFd, name, status.modifyTime, status.modifyTime, AT.SYMLINK_NOFOLLOW);
}

function createFile({ fromFd, toFd, name, status }: ClonedEntry, calls: SubvolumeCalls): void {
  using from = new OwnedFd(calls.openat(fromFd, cBytes(name), O.RDONLY | O.NOFOLLOW), calls);
  const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
  using to = new OwnedFd(calls.openat(toFd, cBytes(name), flags, INCOMPLETE), calls);
  if (status.sizeBytes > 0) calls.cloneFile(to.fd, from.fd);
  copyAttributes(from.fd, to.fd, calls);
}

/**
 * Sets the owner, xattrs, mode and times of a file or directory to those of another one, and removes other xattrs. The
 * order matters: chown clears set-id bits and capabilities, and every change sets the times.
 * @throws {SysError}
 */
export function copyAttributes(fromFd: number, toFd: number, calls: SubvolumeCalls): void {
  const status = calls.statx(fromFd, EMPTY, AT.EMPTY_PATH);
  calls.fchown(toFd, status.uid, status.gid);
  const keys = calls.flistxattr(fromFd).filter(isPortable);
  for (const key of calls.flistxattr(toFd)) if (!keys.includes(key)) calls.fremovexattr(toFd, cString(key));
  for (const key of keys) {
    calls.fsetxattr(toFd, cString(key), calls.fgetxattr(fromFd, cString(key)) ?? new Uint8Array(0));
  }
  calls.fchmod(toFd, status.mode & 0o7777);
  const time: Timespec = status.modifyTime;
  calls.futimens(toFd, time, time);
}
