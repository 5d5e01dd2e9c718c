/** Measures what a container wrote: the entries of its tree that differ from the tree it is a snapshot of. */
import { AT, cBytes, type FileStatus, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import type { OverlayCalls } from "../overlay/overlay_mount.ts";
import { isUntouched } from "../overlay/upper_changes.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { Usage } from "../driver.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** The root directories of both trees. */
export interface ComparedTrees {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd;
}

/**
 * Returns the bytes (apparent sizes, without directories, hard links once) and inodes that are new or changed in any
 * way. A file with a single changed byte counts as a whole, as after a copy-up of overlayfs. What is removed meanwhile
 * isn't counted.
 * @throws {SysError}
 */
export async function diskUsageSince(trees: ComparedTrees, calls: OverlayCalls): Promise<Usage> {
  const cooperativeYield = new CooperativeYield();
  const counted = new Set<bigint>();
  let bytes = 0;
  let inodes = 0;
  const visit = async (path: ByteString, isOld: boolean): Promise<void> => {
    const inner: [path: ByteString, isOld: boolean][] = [];
    {
      using dir = openIfExists(trees.upper, path, calls);
      if (dir === undefined) return;
      using before = isOld ? openIfExists(trees.lower, path, calls) : undefined;
      for (const { name } of calls.readDir(dir.fd)) {
        const status = statusIn(dir, name, calls);
        if (status === undefined) continue;
        const was = statusIn(before, name, calls);
        if (isDir(status)) inner.push([`${path}/${name}`, was !== undefined && isDir(was)]);
        if (was !== undefined && isUntouched(status, was)) continue;
        if (status.linkCount > 1 && !isDir(status)) {
          if (counted.has(status.inode)) continue;
          counted.add(status.inode);
        }
        inodes++;
        if (!isDir(status)) bytes += status.sizeBytes;
      }
    }
    await cooperativeYield.yieldIfLong();
    for (const [inside, wasDir] of inner) await visit(inside, wasDir);
  };
  await visit(".", true);
  return { bytes, inodes };
}

function openIfExists(root: OwnedFd, path: ByteString, calls: OverlayCalls): OwnedFd | undefined {
  const fd = ifExists(() => calls.openat2(root.fd, cBytes(path), { flags: DIR, resolve: BENEATH }));
  return fd === undefined ? undefined : new OwnedFd(fd, calls);
}

function statusIn(dir: OwnedFd | undefined, name: ByteString, calls: OverlayCalls): FileStatus | undefined {
  return dir && ifExists(() => calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
}

const isDir = (status: FileStatus): boolean => (status.mode & S.IFMT) === S.IFDIR;

/** Returns undefined if the name was removed or replaced. */
function ifExists<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
