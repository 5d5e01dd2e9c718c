/** Removing something with all that is in it, while somebody else may be changing it. */
import { AT, cBytes, isErrno, O, OwnedFd, RESOLVE } from "../sys/mod.ts";
import type { ByteString } from "../tar/mod.ts";
import type { ArchiveCalls } from "./calls.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV;
/** How often somebody else may put something into a folder that is being removed. */
const TRIES = 16;

/**
 * Removes `name` from a folder. No link is followed, no mount entered, and one folder is open at a time.
 * @throws {SysError}
 */
export function removeTree(parentFd: number, name: ByteString, calls: ArchiveCalls): void {
  if (unlinked(parentFd, name, calls) !== "folder") return;
  const way = [name];
  for (let tries = 0; way.length > 0;) {
    const inner = emptied(parentFd, way, calls);
    if (inner !== undefined) {
      way.push(inner);
      continue;
    }
    const last = way.pop()!;
    using dir = opened(parentFd, way, calls);
    if (isRemoved(dir?.fd ?? parentFd, last, ++tries <= TRIES, calls)) tries = 0;
    else way.push(last);
  }
}

/** Removes all but folders, and gives one of these. */
function emptied(parentFd: number, way: readonly ByteString[], calls: ArchiveCalls): ByteString | undefined {
  using dir = opened(parentFd, way, calls)!;
  return calls.readDir(dir.fd).find(({ name }) => unlinked(dir.fd, name, calls) === "folder")?.name;
}

/** The folder at the end of a way; undefined: there is no way to go. */
function opened(parentFd: number, way: readonly ByteString[], calls: ArchiveCalls): OwnedFd | undefined {
  if (way.length === 0) return undefined;
  return new OwnedFd(calls.openat2(parentFd, cBytes(way.join("/")), { flags: DIR, resolve: BENEATH }), calls);
}

function unlinked(dirFd: number, name: ByteString, calls: ArchiveCalls): "folder" | "gone" {
  try {
    calls.unlinkat(dirFd, cBytes(name));
  } catch (thrown) {
    if (isErrno(thrown, "EISDIR")) return "folder";
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  }
  return "gone";
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
