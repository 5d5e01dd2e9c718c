/**
 * @module
 * Advisory locks (flock(2)): the exclusive lock of an engine on its data directory, and shared locks that mark a
 * directory as in use.
 */
import { failed } from "./check.ts";
import { cString } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { errno, libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_FILE_MODE = 0o600;

/**
 * Takes the exclusive lock on a file, which is created if missing. Returns "held" if another process holds the lock.
 * The lock lasts as long as the returned descriptor and its duplicates; the file stays and its content means nothing.
 * @throws {SysError} when the file cannot be opened or the file system has no locks
 */
export function tryLock(path: string): OwnedFd | "held" {
  return locked(path, LOCK_EX, new OwnedFd(files.open(cString(path), O.RDWR | O.CREAT | O.NOFOLLOW, LOCK_FILE_MODE)));
}

/**
 * Takes a shared lock on a directory. Returns "held" if another process holds the exclusive lock; otherwise as {@link
 * tryLock}.
 */
export function shareLock(dir: string): OwnedFd | "held" {
  return locked(dir, LOCK_SH, new OwnedFd(files.open(cString(dir), O.RDONLY | O.DIRECTORY | O.NOFOLLOW)));
}

/** Takes the exclusive lock on a directory; otherwise as {@link tryLock}. The directory may be named by a link. */
export function tryLockDirectory(path: string): OwnedFd | "held" {
  return locked(path, LOCK_EX, new OwnedFd(files.open(cString(path), O.RDONLY | O.DIRECTORY)));
}

function locked(path: string, kind: number, lock: OwnedFd): OwnedFd | "held" {
  // SAFETY: no memory is passed.
  if (libc.flock(lock.fd, kind | LOCK_NB) === 0) return lock;
  const code = errno();
  lock.close();
  return code === errnoOf("EAGAIN") ? "held" : failed(code, "flock", path);
}
