/** Removing folders of a store that may hold files which their file system protects, and subvolumes. */
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
/** Never wait for the other end of a FIFO that a container has put in a file's place. */
const FILE = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
/** A subvolume of ours is in the folder of a layer or snapshot, which is in a workspace. */
const SUBVOLUME_LEVELS = 2;
const PROTECTED = FS_FL.IMMUTABLE | FS_FL.APPEND;

/**
 * Removes a folder with all that is in it. Nearly none has a protected file, so that is looked for when it is refused.
 * @param levels how deep below it a subvolume may be; those inside others go with these
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

/** Takes what keeps files and folders from being removed off them. One folder is open at a time. @throws {SysError} */
async function unprotectBelow(path: string, calls: ClearingCalls = CALLS): Promise<void> {
  const turn = new CooperativeYield();
  using root = new OwnedFd(calls.open(cString(path), DIR), calls);
  const visit = async (way: ByteString): Promise<void> => {
    const inner: ByteString[] = [];
    {
      using dir = opened(root.fd, way, DIR, calls);
      if (dir === undefined) return;
      unprotect(dir.fd, calls);
      for (const { name, type } of calls.readDir(dir.fd)) {
        if (type === S.IFDIR) inner.push(`${way}/${name}`);
        if (type !== S.IFREG) continue;
        using file = opened(dir.fd, name, FILE, calls);
        if (file !== undefined) unprotect(file.fd, calls);
      }
    }
    await turn.yieldIfLong();
    for (const each of inner) await visit(each);
  };
  await visit(".");
}

/** Undefined: it is gone, or has become something else. */
function opened(parentFd: number, way: ByteString, flags: number, calls: ClearingCalls): OwnedFd | undefined {
  try {
    return new OwnedFd(calls.openat2(parentFd, cBytes(way), { flags, resolve: BENEATH }), calls);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}

function unprotect(fd: number, calls: ClearingCalls): void {
  const flags = calls.fileFlags(fd);
  if ((flags & PROTECTED) !== 0) calls.setFileFlags(fd, flags & ~PROTECTED);
}
