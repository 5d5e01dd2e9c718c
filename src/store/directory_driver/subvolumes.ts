/**
 * Subvolumes in a directory that is being deleted: the driver's, and those that containers created in their roots
 * (which needs no privilege). Destroying one is a single call, where `rm` would unlink each file and fail at a
 * read-only one.
 */
import {
  AT,
  away,
  type BlockingCalls,
  btrfs,
  BTRFS_SUBVOLUME_INODE,
  type BtrfsCalls,
  cBytes,
  cString,
  type DirectoryCalls,
  dirs,
  type FileCalls,
  files,
  FS_MAGIC,
  isErrno,
  metadata,
  type MetadataCalls,
  O,
  OwnedFd,
  S,
} from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";

type Calls = FileCalls & DirectoryCalls & MetadataCalls & BtrfsCalls & BlockingCalls;

const CALLS: Calls = { ...files, ...dirs, ...metadata, ...btrfs, ...away };
const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/**
 * Destroys subvolumes down to some levels below a directory. On other file systems than btrfs there are none.
 *
 * First, everything is committed. A directory that was synced since the last commit is in btrfs's log. If its entries
 * are deleted in the log as well, Linux (6.18) can't replay it after a power cut: replay deletes everything in the
 * directory, and the inode of a subvolume is not in this tree. The disk can't be mounted any more then.
 * @throws {SysError}
 */
export async function destroySubvolumesIn(path: string, levels: number, calls: Calls = CALLS): Promise<void> {
  if (calls.statfs(cString(path)).magic !== FS_MAGIC.BTRFS) return;
  using root = new OwnedFd(calls.open(cString(path), DIR), calls);
  const found = subvolumesBelow(root, levels, calls);
  if (found.length > 0) await calls.syncfsBlocking(root.fd);
  for (const { parent, name } of found) destroyIn(root, parent, name, calls);
}

interface FoundSubvolume {
  /** Path of the directory that contains it. */
  readonly parent: ByteString;
  readonly name: ByteString;
}

function destroyIn(root: OwnedFd, path: ByteString, name: ByteString, calls: Calls): void {
  using parent = openBelow(root, path, calls);
  try {
    return calls.destroySubvolume(parent.fd, cBytes(name));
  } catch (thrown) {
    if (!isErrno(thrown, "ENOTEMPTY")) throw thrown;
  }
  {
    using subvolume = openBelow(parent, name, calls);
    // Nothing can be deleted from a read-only one.
    if (calls.isReadOnlySubvolume(subvolume.fd)) calls.setReadOnlySubvolume(subvolume.fd, false);
    for (const inner of subvolumesBelow(subvolume, Infinity, calls)) {
      destroyIn(subvolume, inner.parent, inner.name, calls);
    }
  }
  calls.destroySubvolume(parent.fd, cBytes(name));
}

/** The outermost subvolumes. Opens one directory at a time. */
function subvolumesBelow(root: OwnedFd, levels: number, calls: Calls): FoundSubvolume[] {
  const found: FoundSubvolume[] = [];
  const visit = (path: ByteString, levelsLeft: number): void => {
    const inner: ByteString[] = [];
    {
      using dir = openBelow(root, path, calls);
      for (const { name, type } of calls.readDir(dir.fd)) {
        if (type !== S.IFDIR) continue;
        const { inode } = calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW);
        if (inode === BTRFS_SUBVOLUME_INODE) found.push({ parent: path, name });
        else inner.push(`${path}/${name}`);
      }
    }
    if (levelsLeft > 1) { for (const each of inner) visit(each, levelsLeft - 1); }
  };
  visit(".", levels);
  return found;
}

function openBelow(root: OwnedFd, path: ByteString, calls: Calls): OwnedFd {
  return new OwnedFd(calls.openat2(root.fd, cBytes(path), { flags: DIR, resolve: BENEATH }), calls);
}
