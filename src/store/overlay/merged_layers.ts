/** Opens the layers of an image as one read-only directory, without a container's upper directory. */
import { cString, MNT, newMount, O, OwnedFd } from "../../sys/mod.ts";
import { type MountApi, type OverlayCalls, pageOf, SETTINGS } from "./overlay_mount.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Opens a directory for reading, by a trusted path. @throws {SysError} */
export function openDir(path: string, calls: OverlayCalls): OwnedFd {
  return new OwnedFd(calls.open(cString(path), DIR), calls);
}

/**
 * Opens the merged view of layers (highest first, at least one). It is read-only, in no mount table, and released with
 * its descriptor. For a single layer this is the layer's directory itself, including whiteouts.
 * @param scratch the caller's directory, on which older kernels briefly show the mount
 * @throws {TsdError} storage: too many layers; {SysError} the kernel refused the mount
 */
export function openMerged(
  dirs: readonly string[],
  scratch: string,
  api: MountApi,
  calls: OverlayCalls,
): OwnedFd {
  if (dirs.length === 1) return openDir(dirs[0]!, calls);
  using open = new DisposableStack();
  const lowers = dirs.map((path) => {
    const fd = calls.open(cString(path), O.PATH | O.DIRECTORY | O.NOFOLLOW);
    return open.use(new OwnedFd(fd, calls)).procPath;
  });
  if (api === "fsconfig") {
    const options: (readonly [string, string])[] = [["source", "overlay"], ...SETTINGS];
    for (const lower of lowers) options.push(["lowerdir+", lower]);
    using mount = newMount({ type: "overlay", options }, calls, calls);
    return new OwnedFd(calls.openat(mount.fd, cString("."), DIR), calls);
  }
  calls.mount({ source: "overlay", target: scratch, type: "overlay", data: pageOf(lowers, []) });
  try {
    return openDir(scratch, calls);
  } finally {
    calls.umount2(scratch, MNT.NOFOLLOW | MNT.DETACH);
  }
}
