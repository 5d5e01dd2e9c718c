/** Deletes directories of a store, which may contain subvolumes and files with protecting attributes. */
import {
  cBytes,
  cString,
  type DirectoryCalls,
  dirs,
  type FileCalls,
  type FileFlagCalls,
  fileFlags,
  files,
  FS_FL,
  isErrno,
  O,
  OwnedFd,
  S,
} from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import { destroySubvolumesIn } from "./subvolumes.ts";
import { CooperativeYield } from "./cooperative_yield.ts";

type ClearingCalls = FileCalls & DirectoryCalls & FileFlagCalls;

const CALLS: ClearingCalls = { ...files, ...dirs, ...fileFlags };
const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
/** Non-blocking: a container may have replaced a file with a FIFO. */
const FILE = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
/** A driver's subvolumes are in the directory of a layer or snapshot, which is in a staging directory. */
const SUBVOLUME_LEVELS = 2;
const PROTECTED = FS_FL.IMMUTABLE | FS_FL.APPEND;

/**
 * Deletes a directory and its content. Protected files are rare, so they are looked for only if the deletion is
 * refused.
 * @param levels how deep below `path` subvolumes may be; those nested in other subvolumes are deleted with these
 */
export async function removeDir(path: string, levels = SUBVOLUME_LEVELS): Promise<void> {
  await destroySubvolumesIn(path, levels);
  try {
    return await Deno.remove(path, { recursive: true });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.PermissionDenied)) throw thrown;
  }
  await unprotectBelow(path);
  await Deno.remove(path, { recursive: true });
}

/**
 * Removes attributes that prevent deletion from files and directories. Opens one directory at a time.
 * @throws {SysError}
 */
async function unprotectBelow(path: string, calls: ClearingCalls = CALLS): Promise<void> {
  const cooperativeYield = new CooperativeYield();
  using root = new OwnedFd(calls.open(cString(path), DIR), calls);
  const visit = async (path: ByteString): Promise<void> => {
    const subdirs: ByteString[] = [];
    {
      using dir = openIfExists(root.fd, path, DIR, calls);
      if (dir === undefined) return;
      unprotect(dir.fd, calls);
      for (const { name, type } of calls.readDir(dir.fd)) {
        if (type === S.IFDIR) subdirs.push(`${path}/${name}`);
        if (type !== S.IFREG) continue;
        using file = openIfExists(dir.fd, name, FILE, calls);
        if (file !== undefined) unprotect(file.fd, calls);
      }
    }
    await cooperativeYield.yieldIfLong();
    for (const subdir of subdirs) await visit(subdir);
  };
  await visit(".");
}

/** Returns undefined if the path was removed or replaced. */
function openIfExists(parentFd: number, path: ByteString, flags: number, calls: ClearingCalls): OwnedFd | undefined {
  try {
    return new OwnedFd(calls.openat2(parentFd, cBytes(path), { flags, resolve: BENEATH }), calls);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}

function unprotect(fd: number, calls: ClearingCalls): void {
  const flags = calls.fileFlags(fd);
  if ((flags & PROTECTED) !== 0) calls.setFileFlags(fd, flags & ~PROTECTED);
}
