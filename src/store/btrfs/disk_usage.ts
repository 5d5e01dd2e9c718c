/** Counting what a container wrote: what its tree has that isn't as it was in the tree it is a snapshot of. */
import { AT, cBytes, type FileStatus, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { Turn } from "../directory_driver/cooperative_yield.ts";
import type { OverlayCalls } from "../overlay/overlay_mount.ts";
import { isUntouched } from "../overlay/upper_changes.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { Usage } from "../driver.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Their roots. */
export interface Sides {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd;
}

/**
 * Bytes (as `ls` shows them, without folders; hard links once) and inodes that are new or have changed in any way: a file
 * of which one byte is another counts whole, as overlayfs copies it. What vanishes meanwhile isn't counted.
 * @throws {SysError}
 */
export async function writtenSince(sides: Sides, calls: OverlayCalls): Promise<Usage> {
  const turn = new Turn();
  const counted = new Set<bigint>();
  let bytes = 0;
  let inodes = 0;
  const visit = async (way: ByteString, isOld: boolean): Promise<void> => {
    const inner: [way: ByteString, isOld: boolean][] = [];
    {
      using folder = opened(sides.upper, way, calls);
      if (folder === undefined) return;
      using before = isOld ? opened(sides.lower, way, calls) : undefined;
      for (const { name } of calls.readFolder(folder.fd)) {
        const status = statusIn(folder, name, calls);
        if (status === undefined) continue;
        const was = statusIn(before, name, calls);
        if (isFolder(status)) inner.push([`${way}/${name}`, was !== undefined && isFolder(was)]);
        if (was !== undefined && isUntouched(status, was)) continue;
        if (status.linkCount > 1 && !isFolder(status)) {
          if (counted.has(status.inode)) continue;
          counted.add(status.inode);
        }
        inodes++;
        if (!isFolder(status)) bytes += status.sizeBytes;
      }
    }
    await turn.yieldIfLong();
    for (const [inside, wasThere] of inner) await visit(inside, wasThere);
  };
  await visit(".", true);
  return { bytes, inodes };
}

function opened(root: OwnedFd, way: ByteString, calls: OverlayCalls): OwnedFd | undefined {
  const fd = present(() => calls.openat2(root.fd, cBytes(way), { flags: FOLDER, resolve: BENEATH }));
  return fd === undefined ? undefined : new OwnedFd(fd, calls);
}

function statusIn(folder: OwnedFd | undefined, name: ByteString, calls: OverlayCalls): FileStatus | undefined {
  return folder && present(() => calls.statx(folder.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
}

const isFolder = (status: FileStatus): boolean => (status.mode & S.IFMT) === S.IFDIR;

/** What `look` finds, or undefined when the name is gone or has become something else. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
