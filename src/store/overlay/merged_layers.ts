/** The layers of an image as one folder to look things up in, without a container's own layer on top. */
import { cString, MNT, newMount, O, OwnedFd } from "../../sys/mod.ts";
import { type MountApi, type OverlayCalls, pageOf, SETTINGS } from "./overlay_mount.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Opens a folder for reading, by a path of our own making. @throws {SysError} */
export function openDir(path: string, calls: OverlayCalls): OwnedFd {
  return new OwnedFd(calls.open(cString(path), DIR), calls);
}

/**
 * Opens what the layers (highest first, at least one) are together. It can't be written to, is in no mount table, and
 * goes away with its descriptor. A single layer is its own folder, whiteouts included.
 * @param scratch a folder of the caller's, on which older kernels let a mount appear for a moment
 * @throws {TsdError} storage: there are too many; {SysError} what the kernel refused
 */
export function openMerged(
  dirs: readonly string[],
  scratch: string,
  way: MountApi,
  calls: OverlayCalls,
): OwnedFd {
  if (dirs.length === 1) return openDir(dirs[0]!, calls);
  using open = new DisposableStack();
  const lowers = dirs.map((path) => {
    const fd = calls.open(cString(path), O.PATH | O.DIRECTORY | O.NOFOLLOW);
    return open.use(new OwnedFd(fd, calls)).procPath;
  });
  if (way === "fsconfig") {
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
