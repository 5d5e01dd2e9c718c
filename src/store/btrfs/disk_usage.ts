/** Counting what a container wrote: what its tree has that isn't as it was in the tree it is a snapshot of. */
import { AT, cBytes, type FileStatus, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";
import type { OverlayCalls } from "../overlay/overlay_mount.ts";
import { isUntouched } from "../overlay/upper_changes.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { Usage } from "../driver.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Their roots. */
export interface ComparedTrees {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd;
}

/**
 * Bytes (as `ls` shows them, without folders; hard links once) and inodes that are new or have changed in any way: a file
 * of which one byte is another counts whole, as overlayfs copies it. What vanishes meanwhile isn't counted.
 * @throws {SysError}
 */
export async function diskUsageSince(sides: ComparedTrees, calls: OverlayCalls): Promise<Usage> {
  const turn = new CooperativeYield();
  const counted = new Set<bigint>();
  let bytes = 0;
  let inodes = 0;
  const visit = async (way: ByteString, isOld: boolean): Promise<void> => {
    const inner: [way: ByteString, isOld: boolean][] = [];
    {
      using dir = opened(sides.upper, way, calls);
      if (dir === undefined) return;
      using before = isOld ? opened(sides.lower, way, calls) : undefined;
      for (const { name } of calls.readDir(dir.fd)) {
        const status = statusIn(dir, name, calls);
        if (status === undefined) continue;
        const was = statusIn(before, name, calls);
        if (isDir(status)) inner.push([`${way}/${name}`, was !== undefined && isDir(was)]);
        if (was !== undefined && isUntouched(status, was)) continue;
        if (status.linkCount > 1 && !isDir(status)) {
          if (counted.has(status.inode)) continue;
          counted.add(status.inode);
        }
        inodes++;
        if (!isDir(status)) bytes += status.sizeBytes;
      }
    }
    await turn.yieldIfLong();
    for (const [inside, wasThere] of inner) await visit(inside, wasThere);
  };
  await visit(".", true);
  return { bytes, inodes };
}

function opened(root: OwnedFd, way: ByteString, calls: OverlayCalls): OwnedFd | undefined {
  const fd = present(() => calls.openat2(root.fd, cBytes(way), { flags: DIR, resolve: BENEATH }));
  return fd === undefined ? undefined : new OwnedFd(fd, calls);
}

function statusIn(dir: OwnedFd | undefined, name: ByteString, calls: OverlayCalls): FileStatus | undefined {
  return dir && present(() => calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
}

const isDir = (status: FileStatus): boolean => (status.mode & S.IFMT) === S.IFDIR;

/** What `look` finds, or undefined when the name is gone or has become something else. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
