/**
 * @module
 * Parts of volumes and images (`volume-subpath`, `image-subpath`). Who writes to a volume may put links into it, also while we look: a part is looked
 * up inside of the volume by one call, and what was found is mounted in the container's run folder until the runtime has
 * mounted it from there. (A descriptor would not do: the runtime works in a mount namespace of its own.)
 */
import { TsdError } from "../../errors.ts";
import {
  AT,
  cString,
  type FileCalls,
  isErrno,
  type MetadataCalls,
  MNT,
  type MountCalls,
  MS,
  O,
  OwnedFd,
  RESOLVE,
  S,
  SysError,
} from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

export interface SubpathCalls {
  readonly files: FileCalls;
  readonly metadata: Pick<MetadataCalls, "statx">;
  readonly mounts: Pick<MountCalls, "mount" | "umount2">;
}

/** Where a part is mounted, until it is disposed of. */
export interface PinnedSubpath extends Disposable {
  readonly path: string;
}

/** Where the parts of a container's volumes are mounted. Nothing may be deleted in it before it is unmounted. */
export const subpathsDir = (paths: EnginePaths, id: string): string => `${containerPaths(paths, id).bundle}/parts`;

/** @throws {TsdError} invalid_argument: there is no such thing in the volume; {SysError} */
export function pinSubpath(data: string, subpath: string, dir: string, calls: SubpathCalls): PinnedSubpath {
  using part = partOf(data, subpath, calls);
  const path = `${dir}/${crypto.randomUUID()}`;
  Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const isDir = (calls.metadata.statx(part.fd, cString(""), AT.EMPTY_PATH).mode & S.IFMT) === S.IFDIR;
  if (isDir) Deno.mkdirSync(path);
  else Deno.writeFileSync(path, new Uint8Array(), { createNew: true });
  calls.mounts.mount({ source: part.procPath, target: path, flags: MS.BIND });
  return {
    path,
    [Symbol.dispose]: () => {
      unmounted(path, calls.mounts);
      // Fails, as it should, should anything still be mounted.
      Deno.removeSync(path);
    },
  };
}

function unmounted(path: string, calls: Pick<MountCalls, "umount2">): void {
  try {
    calls.umount2(path, MNT.DETACH | MNT.NOFOLLOW);
  } catch (thrown) {
    if (!isErrno(thrown, "EINVAL", "ENOENT")) throw thrown;
  }
}

function partOf(data: string, subpath: string, { files }: SubpathCalls): OwnedFd {
  try {
    using whole = new OwnedFd(files.open(cString(data), O.PATH | O.DIRECTORY), files);
    const how = { flags: O.PATH, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS };
    return new OwnedFd(files.openat2(whole.fd, cString(subpath), how), files);
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    throw new TsdError("invalid_argument", `cannot access path ${data}/${subpath}: ${thrown.reason}`, {
      cause: thrown,
    });
  }
}
