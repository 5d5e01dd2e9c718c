/** Measures what a container wrote, while it may be writing. */
import { AT, cBytes, cString, isErrno, O, OwnedFd, S } from "../../sys/mod.ts";
import type { Usage } from "../driver.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { OverlayCalls } from "./overlay_mount.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/**
 * Returns the bytes (apparent sizes, without directories, hard links once) and inodes below `dir`. Directories are
 * opened by descriptor, so that links swapped in meanwhile lead nowhere; what is removed meanwhile isn't counted.
 * @throws {SysError}
 */
export async function usageOf(dir: string, calls: OverlayCalls): Promise<Usage> {
  const cooperativeYield = new CooperativeYield();
  const counted = new Set<bigint>();
  let bytes = 0;
  let inodes = 0;
  const visit = async (fd: number): Promise<void> => {
    for (const { name } of calls.readDir(fd)) {
      const status = ifExists(() => calls.statx(fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
      if (status === undefined || (status.linkCount > 1 && counted.has(status.inode))) continue;
      inodes++;
      if ((status.mode & S.IFMT) === S.IFDIR) {
        const child = ifExists(() => calls.openat2(fd, cBytes(name), { flags: DIR, resolve: BENEATH }));
        if (child === undefined) continue;
        using open = new OwnedFd(child, calls);
        await visit(open.fd);
      } else {
        if (status.linkCount > 1) counted.add(status.inode);
        bytes += status.sizeBytes;
      }
      await cooperativeYield.yieldIfLong();
    }
  };
  using root = new OwnedFd(calls.open(cString(dir), DIR), calls);
  await visit(root.fd);
  return { bytes, inodes };
}

/** Returns undefined if the name was removed or replaced. */
function ifExists<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
