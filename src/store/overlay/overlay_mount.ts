/**
 * Mounts overlays (Linux Documentation/filesystems/overlayfs.rst). Directories are passed as `/proc/self/fd/N`: such
 * paths are short, need no escaping of `,` `:` `\`, and can't be redirected between check and mount.
 */
import { TsdError } from "../../errors.ts";
import {
  AT,
  attach,
  away,
  type BlockingCalls,
  cString,
  type DirectoryCalls,
  dirs,
  type FileCalls,
  files,
  FS_MAGIC,
  isErrno,
  metadata,
  type MetadataCalls,
  MNT,
  type MountCalls,
  mounts,
  newMount,
  O,
  OwnedFd,
  SysError,
  type XattrCalls,
  xattrs,
} from "../../sys/mod.ts";
import { StagingDir } from "../directory_driver/staging_dir.ts";

/** The system calls for mounting overlays. */
export type OverlayCalls = FileCalls & DirectoryCalls & MountCalls & MetadataCalls & XattrCalls & BlockingCalls;

/** The real system calls. */
export const OVERLAY_CALLS: OverlayCalls = { ...files, ...dirs, ...mounts, ...metadata, ...xattrs, ...away };

const OPAQUE = cString("trusted.overlay.opaque");

/** `fsconfig`: fsopen and `lowerdir+` (Linux 6.7). `mount`: mount(2), whose options must fit in a page. */
export type MountApi = "fsconfig" | "mount";

/** Absolute paths of an overlay's directories. */
export interface OverlayDirs {
  /** Highest layer first; at least one. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** The mount point. */
  readonly target: string;
}

/** Linux's OVL_MAX_STACK. */
const LOWERS_MAX = 500;
/** mount(2) copies one page and silently truncates the rest. */
const MOUNT_DATA_MAX_BYTES = 4095;
/**
 * No inode index (an upper directory may be mounted over different lower ones later), and neither redirects nor
 * metadata-only copies: layers can't influence the mount with xattrs, and the upper directory is self-contained.
 */
export const SETTINGS: readonly (readonly [string, string])[] = [["index", "off"], ["metacopy", "off"], [
  "redirect_dir",
  "nofollow",
]];

/** Mounts an overlay with the given API. @throws {TsdError} storage; {SysError} the kernel refused the mount */
export function mountOverlay(dirs: OverlayDirs, api: MountApi, calls: OverlayCalls = OVERLAY_CALLS): void {
  if (dirs.lowers.length > LOWERS_MAX) {
    throw new TsdError("storage", `Cannot mount ${dirs.lowers.length} layers: Linux takes at most ${LOWERS_MAX}`);
  }
  using open = new DisposableStack();
  const pathOf = (dir: string) => {
    const fd = calls.open(cString(dir), O.PATH | O.DIRECTORY | O.NOFOLLOW);
    return open.use(new OwnedFd(fd, calls)).procPath;
  };
  const lowers = dirs.lowers.map(pathOf);
  const upper = pathOf(dirs.upper);
  const work = pathOf(dirs.work);
  const target = open.use(new OwnedFd(calls.open(cString(dirs.target), O.PATH | O.DIRECTORY | O.NOFOLLOW), calls));
  if (api === "mount") return mountByOptions({ lowers, upper, work, target: target.procPath }, calls);
  const options: (readonly [string, string])[] = [["source", "overlay"]];
  for (const lower of lowers) options.push(["lowerdir+", lower]);
  options.push(["upperdir", upper], ["workdir", work], ...SETTINGS);
  using mount = newMount({ type: "overlay", options }, calls, calls);
  attach(mount, target, calls);
}

function mountByOptions({ lowers, upper, work, target }: OverlayDirs, calls: OverlayCalls): void {
  calls.mount({
    source: "overlay",
    target,
    type: "overlay",
    data: pageOf(lowers, [["upperdir", upper], ["workdir", work]]),
  });
}

/** Joins options for mount(2). @throws {TsdError} storage: they don't fit in a page */
export function pageOf(lowers: readonly string[], more: readonly (readonly [string, string])[]): string {
  const options = [["lowerdir", lowers.join(":")], ...more, ...SETTINGS];
  const data = options.map(([key, value]) => `${key}=${value}`).join(",");
  if (data.length <= MOUNT_DATA_MAX_BYTES) return data;
  throw new TsdError("storage", `Cannot mount ${lowers.length} layers: this kernel takes options of one page only`);
}

/** Unmounts all mounts at `target`; succeeds if there are none or no such directory. Busy mounts are detached. */
export function unmountAll(target: string, calls: Pick<MountCalls, "umount2"> = OVERLAY_CALLS): void {
  for (;;) {
    try {
      calls.umount2(target, MNT.NOFOLLOW);
    } catch (thrown) {
      if (isErrno(thrown, "EINVAL", "ENOENT")) return;
      if (!isErrno(thrown, "EBUSY")) throw thrown;
      calls.umount2(target, MNT.NOFOLLOW | MNT.DETACH);
    }
  }
}

/** Like {@link unmountAll}, but waits for the disk in another thread. */
export async function unmountAllBlocking(
  target: string,
  calls: Pick<OverlayCalls, "umount2" | "umountBlocking"> = OVERLAY_CALLS,
): Promise<void> {
  await calls.umountBlocking(target, MNT.NOFOLLOW);
  // Remaining cases: further mounts on the path, a busy one, or a failure to report.
  unmountAll(target, calls);
}

/** Returns whether something is mounted on `dir`: it is on another device than its parent. @throws {SysError} */
export function isMounted(dir: string, calls: Pick<MetadataCalls, "statx"> = OVERLAY_CALLS): boolean {
  const deviceOf = (path: string) => calls.statx(AT.FDCWD, cString(path), AT.SYMLINK_NOFOLLOW).device;
  const [self, parent] = [deviceOf(dir), deviceOf(`${dir}/..`)];
  return self.major !== parent.major || self.minor !== parent.minor;
}

/** Returns whether a layer hides everything below it; overlayfs itself ignores the mark on a layer's root. */
export function isOpaqueLayer(dir: string, calls: Pick<XattrCalls, "lgetxattr"> = OVERLAY_CALLS): boolean {
  const value = calls.lgetxattr(cString(dir), OPAQUE);
  return value?.length === 1 && value[0] === "y".charCodeAt(0);
}

/**
 * Probes how an overlay can be mounted with directories below `root`, by mounting one.
 * @throws {TsdError} storage: it can't be, and why
 */
export async function probeOverlay(root: string, calls: OverlayCalls = OVERLAY_CALLS): Promise<MountApi> {
  await using stagingDir = await StagingDir.create(root);
  const [lower, upper, work, target] = ["lower", "upper", "work", "merged"].map((name) => `${stagingDir.path}/${name}`);
  const dirs: OverlayDirs = { lowers: [lower!], upper: upper!, work: work!, target: target! };
  for (const path of [...dirs.lowers, dirs.upper, dirs.work, dirs.target]) await Deno.mkdir(path);
  const refusals: SysError[] = [];
  for (const api of ["fsconfig", "mount"] as const) {
    try {
      mountOverlay(dirs, api, calls);
      unmountAll(dirs.target, calls);
      return api;
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      refusals.push(thrown);
    }
  }
  throw unusable(root, refusals, calls);
}

function unusable(root: string, refusals: readonly SysError[], calls: OverlayCalls): TsdError {
  const cause = refusals[0];
  if (calls.statfs(cString(root)).magic === FS_MAGIC.OVERLAYFS) {
    const why = "it lies on an overlay itself (as in a container's root file system)";
    return new TsdError(
      "storage",
      `Cannot keep containers in ${root}: ${why}; choose a --data-root on ext4, xfs or btrfs, such as a volume`,
      { cause },
    );
  }
  const reasons = refusals.map(({ message }) => message).join("; ");
  return new TsdError("storage", `Cannot mount an overlay in ${root}: ${reasons}`, { cause });
}
