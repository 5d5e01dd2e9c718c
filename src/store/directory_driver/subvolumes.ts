/**
 * Subvolumes that a folder to be removed may hold: our own, and those that containers have made inside their roots (which
 * takes no privilege). They go at once, where `rm` would unlink file by file and stop at a read-only one.
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
 * Destroys those down to some levels below a folder. Elsewhere than on btrfs there are none.
 *
 * All that was done is committed first. A folder that was synced since the last commit is in the log of btrfs, and if it
 * loses its names there, Linux (6.18) can't replay that after a power cut: all in it is to go, and of a subvolume there is no
 * inode in this tree. The disk can't be mounted any more then.
 * @throws {SysError}
 */
export async function destroySubvolumesIn(path: string, levels: number, calls: Calls = CALLS): Promise<void> {
  if (calls.statfs(cString(path)).magic !== FS_MAGIC.BTRFS) return;
  using root = new OwnedFd(calls.open(cString(path), DIR), calls);
  const found = subvolumesBelow(root, levels, calls);
  if (found.length > 0) await calls.syncfsBlocking(root.fd);
  for (const { parent, name } of found) destroyIn(root, parent, name, calls);
}

interface Found {
  /** The way to the folder that it is in. */
  readonly parent: ByteString;
  readonly name: ByteString;
}

function destroyIn(root: OwnedFd, way: ByteString, name: ByteString, calls: Calls): void {
  using parent = opened(root, way, calls);
  try {
    return calls.destroySubvolume(parent.fd, cBytes(name));
  } catch (thrown) {
    if (!isErrno(thrown, "ENOTEMPTY")) throw thrown;
  }
  {
    using own = opened(parent, name, calls);
    // Nothing can be taken out of a read-only one.
    if (calls.isReadOnlySubvolume(own.fd)) calls.setReadOnlySubvolume(own.fd, false);
    for (const inner of subvolumesBelow(own, Infinity, calls)) destroyIn(own, inner.parent, inner.name, calls);
  }
  calls.destroySubvolume(parent.fd, cBytes(name));
}

/** The outermost ones. One folder is open at a time. */
function subvolumesBelow(root: OwnedFd, levels: number, calls: Calls): Found[] {
  const found: Found[] = [];
  const visit = (way: ByteString, left: number): void => {
    const inner: ByteString[] = [];
    {
      using dir = opened(root, way, calls);
      for (const { name, type } of calls.readDir(dir.fd)) {
        if (type !== S.IFDIR) continue;
        const { inode } = calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW);
        if (inode === BTRFS_SUBVOLUME_INODE) found.push({ parent: way, name });
        else inner.push(`${way}/${name}`);
      }
    }
    if (left > 1) { for (const each of inner) visit(each, left - 1); }
  };
  visit(".", levels);
  return found;
}

function opened(root: OwnedFd, way: ByteString, calls: Calls): OwnedFd {
  return new OwnedFd(calls.openat2(root.fd, cBytes(way), { flags: DIR, resolve: BENEATH }), calls);
}
