/** Counting what a container wrote, while it may be writing. */
import { AT, cBytes, cString, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import type { Usage } from "../driver.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { OverlayCalls } from "./overlay_mount.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/**
 * Bytes (as `ls` shows them, without folders; hard links once) and inodes below `folder`. Folders are pinned by
 * descriptors, so that links swapped in meanwhile lead nowhere; what vanishes meanwhile isn't counted.
 * @throws {SysError}
 */
export async function usageOf(dir: string, calls: OverlayCalls): Promise<Usage> {
  const turn = new CooperativeYield();
  const counted = new Set<bigint>();
  let bytes = 0;
  let inodes = 0;
  const visit = async (fd: number): Promise<void> => {
    for (const { name } of calls.readDir(fd)) {
      const status = present(() => calls.statx(fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
      if (status === undefined || (status.linkCount > 1 && counted.has(status.inode))) continue;
      inodes++;
      if ((status.mode & S.IFMT) === S.IFDIR) {
        const child = present(() => calls.openat2(fd, cBytes(name), { flags: DIR, resolve: BENEATH }));
        if (child === undefined) continue;
        using open = new OwnedFd(child, calls);
        await visit(open.fd);
      } else {
        if (status.linkCount > 1) counted.add(status.inode);
        bytes += status.sizeBytes;
      }
      await turn.yieldIfLong();
    }
  };
  using root = new OwnedFd(calls.open(cString(dir), DIR), calls);
  await visit(root.fd);
  return { bytes, inodes };
}

/** What `look` finds, or undefined when the name is gone or has become something else. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
