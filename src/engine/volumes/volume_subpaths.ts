/**
 * @module
 * What subpaths of volumes and images lead to, mounted in a container's run directory until the runtime has mounted it from
 * there. A descriptor would not do: the runtime works in another mount namespace.
 */
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
  S,
} from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { openSubpath } from "../copy/subpath.ts";

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

/** Opens what a subpath of a volume's or an image's directory leads to. @throws {TsdError} as `openSubpath`; {SysError} */
export function openPart(data: string, subpath: string, { files }: Pick<SubpathCalls, "files">): OwnedFd {
  using directory = new OwnedFd(files.open(cString(data), O.PATH | O.DIRECTORY), files);
  return openSubpath({ fd: directory.fd, path: data }, subpath, files);
}

/** Whether a descriptor is a directory's. */
export const isDirectory = ({ fd }: OwnedFd, { metadata }: Pick<SubpathCalls, "metadata">): boolean =>
  (metadata.statx(fd, cString(""), AT.EMPTY_PATH).mode & S.IFMT) === S.IFDIR;

/** Mounts what a subpath leads to. @throws {TsdError} as `openSubpath`; {SysError} */
export function pinSubpath(data: string, subpath: string, dir: string, calls: SubpathCalls): PinnedSubpath {
  using part = openPart(data, subpath, calls);
  const path = `${dir}/${crypto.randomUUID()}`;
  Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (isDirectory(part, calls)) Deno.mkdirSync(path);
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
