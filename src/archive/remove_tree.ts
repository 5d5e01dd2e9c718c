/** Recursive removal, also while other processes change the tree. */
import { AT, cBytes, isErrno, O, OwnedFd, RESOLVE } from "../sys/mod.ts";
import type { ByteString } from "../tar/mod.ts";
import type { ArchiveCalls } from "./calls.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV;
/** How often other processes may add entries to a directory that is being removed. */
const MAX_ATTEMPTS = 16;

/**
 * Removes entry `name` of a directory, recursively. Follows no link, enters no mount, and opens one directory at a
 * time.
 * @throws {SysError}
 */
export function removeTree(parentFd: number, name: ByteString, calls: ArchiveCalls): void {
  if (unlink(parentFd, name, calls) !== "directory") return;
  const path = [name];
  for (let attempts = 0; path.length > 0;) {
    const inner = unlinkFiles(parentFd, path, calls);
    if (inner !== undefined) {
      path.push(inner);
      continue;
    }
    const last = path.pop()!;
    using dir = openDirectory(parentFd, path, calls);
    if (isRemoved(dir?.fd ?? parentFd, last, ++attempts <= MAX_ATTEMPTS, calls)) attempts = 0;
    else path.push(last);
  }
}

/** Removes everything but directories from a directory, until it finds one, and returns that one's name. */
function unlinkFiles(parentFd: number, path: readonly ByteString[], calls: ArchiveCalls): ByteString | undefined {
  using dir = openDirectory(parentFd, path, calls)!;
  return calls.readDir(dir.fd).find(({ name }) => unlink(dir.fd, name, calls) === "directory")?.name;
}

/** Opens the directory at a path; undefined for the empty path. */
function openDirectory(parentFd: number, path: readonly ByteString[], calls: ArchiveCalls): OwnedFd | undefined {
  if (path.length === 0) return undefined;
  return new OwnedFd(calls.openat2(parentFd, cBytes(path.join("/")), { flags: DIR, resolve: BENEATH }), calls);
}

function unlink(dirFd: number, name: ByteString, calls: ArchiveCalls): "directory" | "removed" {
  try {
    calls.unlinkat(dirFd, cBytes(name));
  } catch (thrown) {
    if (isErrno(thrown, "EISDIR")) return "directory";
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  }
  return "removed";
}

function isRemoved(dirFd: number, name: ByteString, mayFail: boolean, calls: ArchiveCalls): boolean {
  try {
    calls.unlinkat(dirFd, cBytes(name), AT.REMOVEDIR);
  } catch (thrown) {
    if (mayFail && isErrno(thrown, "ENOTEMPTY")) return false;
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  }
  return true;
}
