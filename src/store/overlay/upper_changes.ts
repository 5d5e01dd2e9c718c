/**
 * What a container changed, from its upper folder and what lies below it: both are walked side by side, each folder by a
 * descriptor, so that links swapped in meanwhile lead nowhere. Docker's rules say what counts: mode, owner, device,
 * capabilities, and of what is no folder its time and size.
 */
import { AT, cBytes, cString, type FileStatus, isErrno, O, OwnedFd, S, type Timespec } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import type { Change, ChangeKind } from "../driver.ts";
import { BENEATH } from "../overlay2/directory_cache.ts";
import type { OverlayCalls } from "./overlay_mount.ts";
import { CooperativeYield } from "../directory_driver/cooperative_yield.ts";

const DIR = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const OPAQUE = cString("trusted.overlay.opaque");
const CAPABILITY = cString("security.capability");

/** A folder that is being walked. No descriptor waits for what is in it: a container's folders may be very deep. */
interface Frame {
  /** Without a slash at its end: the root is empty. */
  readonly path: ByteString;
  /** Whether there was a folder before; else everything in it is new. */
  readonly isOld: boolean;
  readonly parent: Frame | undefined;
  /** Whether it was told of already, for itself or because something in it has changed. */
  isReported: boolean;
}

/** The two sides of a folder while it is looked at. */
interface ComparedTrees {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd | undefined;
}

/** What was found out about a name in a folder. */
interface Finding {
  readonly name: ByteString;
  readonly kind: ChangeKind | undefined;
  readonly isDir: boolean;
  readonly wasDir: boolean;
}

/** One name in a folder, above and below. */
interface Pair {
  readonly upper: FileStatus | undefined;
  readonly lower: FileStatus | undefined;
}

/** What is compared; the descriptors stay the caller's. */
export interface Comparison {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd;
  /** See `Snapshotter.diff`. */
  readonly assumed?: ReadonlySet<ByteString> | undefined;
  /** Whether `upper` is a snapshot that has all there is, and not only what is on top of `lower`. */
  readonly isWhole?: boolean | undefined;
}

/**
 * Parents before children, names in the order of their bytes. A folder in which something changed counts as changed;
 * the root is not told of. @throws {SysError}
 */
export async function* changesBetween(
  { upper, lower, assumed = new Set(), isWhole = false }: Comparison,
  calls: OverlayCalls,
): AsyncGenerator<Change> {
  yield* new Walk({ upper, lower, isWhole }, assumed, calls).dir({
    path: "",
    isOld: true,
    parent: undefined,
    isReported: true,
  });
}

class Walk {
  readonly #roots: Pick<Comparison, "upper" | "lower">;
  readonly #isWhole: boolean;
  readonly #assumed: ReadonlySet<ByteString>;
  readonly #calls: OverlayCalls;
  readonly #turn = new CooperativeYield();

  constructor({ isWhole = false, ...roots }: Comparison, assumed: ReadonlySet<ByteString>, calls: OverlayCalls) {
    this.#roots = roots;
    this.#isWhole = isWhole;
    this.#assumed = assumed;
    this.#calls = calls;
  }

  async *dir(frame: Frame): AsyncGenerator<Change> {
    for (const { name, kind, isDir, wasDir } of await this.#findings(frame)) {
      const path = `${frame.path}/${name}`;
      if (kind !== undefined) yield* reported(frame, { path, kind });
      if (!isDir) continue;
      yield* this.dir({ path, isOld: frame.isOld && wasDir, parent: frame, isReported: kind !== undefined });
    }
  }

  async #findings(frame: Frame): Promise<Finding[]> {
    using upper = this.#open(this.#roots.upper, frame.path);
    if (upper === undefined) return [];
    using lower = frame.isOld ? this.#open(this.#roots.lower, frame.path) : undefined;
    const sides = { upper, lower };
    const findings: Finding[] = [];
    for (const name of this.#names(sides)) {
      await this.#turn.yieldIfLong();
      const pair = { upper: this.#statusIn(upper, name), lower: this.#statusIn(lower, name) };
      const kind = this.#kindOf(sides, `${frame.path}/${name}`, name, pair);
      findings.push({ name, kind, isDir: isDir(pair.upper), wasDir: isDir(pair.lower) });
    }
    return findings;
  }

  /** Those above; in a folder that hides what is below it also those that it hides. */
  #names({ upper, lower }: ComparedTrees): ByteString[] {
    const names = this.#calls.readDir(upper.fd).map(({ name }) => name);
    if (lower !== undefined && (this.#isWhole || this.#isOpaque(upper))) {
      const own = new Set(names);
      // A layer that lies below all others may still hold whiteouts, of which nobody knows.
      const hidden = this.#calls.readDir(lower.fd).filter(({ name }) => !own.has(name));
      names.push(...hidden.map(({ name }) => name));
    }
    return names.sort((a, b) => a < b ? -1 : 1);
  }

  #kindOf(sides: ComparedTrees, path: ByteString, name: ByteString, { upper, lower }: Pair): ChangeKind | undefined {
    if (upper === undefined) return lower === undefined ? undefined : "deleted";
    if (lower === undefined) return this.#assumed.has(path) ? undefined : "added";
    if (this.#isWhole && isUntouched(upper, lower)) return undefined;
    if (isDifferent(upper, lower)) return "modified";
    if ((upper.mode & S.IFMT) !== S.IFREG) return undefined;
    return this.#capability(sides.upper, name) === this.#capability(sides.lower, name) ? undefined : "modified";
  }

  /** Undefined also for what overlayfs takes for "not there". */
  #statusIn(dir: OwnedFd | undefined, name: ByteString): FileStatus | undefined {
    if (dir === undefined) return undefined;
    const status = present(() => this.#calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
    return status !== undefined && !this.#isWhole && isWhiteout(status) ? undefined : status;
  }

  #open(root: OwnedFd, path: ByteString): OwnedFd | undefined {
    const below = cBytes(path === "" ? "." : path.slice(1));
    const fd = present(() => this.#calls.openat2(root.fd, below, { flags: DIR, resolve: BENEATH }));
    return fd === undefined ? undefined : new OwnedFd(fd, this.#calls);
  }

  #isOpaque(dir: OwnedFd): boolean {
    const value = this.#calls.fgetxattr(dir.fd, OPAQUE);
    return value?.length === 1 && value[0] === "y".charCodeAt(0);
  }

  #capability(dir: OwnedFd | undefined, name: ByteString): string {
    if (dir === undefined) return "";
    const path = cBytes(`${dir.procPath}/${name}`);
    return present(() => this.#calls.lgetxattr(path, CAPABILITY))?.toHex() ?? "";
  }
}

/** The change, behind the folders on the way to it of which nobody has heard yet. */
function* reported(frame: Frame, change: Change): Generator<Change> {
  const untold: Frame[] = [];
  for (let at: Frame | undefined = frame; at !== undefined && !at.isReported; at = at.parent) untold.push(at);
  for (const dir of untold.reverse()) {
    dir.isReported = true;
    yield { path: dir.path, kind: "modified" };
  }
  yield change;
}

function isDifferent(upper: FileStatus, lower: FileStatus): boolean {
  const [a, b] = [upper.nodeDevice, lower.nodeDevice];
  if (upper.mode !== lower.mode || upper.uid !== lower.uid || upper.gid !== lower.gid) return true;
  if (a.major !== b.major || a.minor !== b.minor) return true;
  if (isDir(upper)) return false;
  return upper.sizeBytes !== lower.sizeBytes || !isSameTime(upper.modifyTime, lower.modifyTime);
}

/** A snapshot keeps inodes' numbers, and whatever happens to one sets the time of its last change. */
export function isUntouched(now: FileStatus, before: FileStatus): boolean {
  const [a, b] = [now.changeTime, before.changeTime];
  return now.inode === before.inode && a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

/** Times from tars know no fractions of a second. */
function isSameTime(a: Timespec, b: Timespec): boolean {
  return a.seconds === b.seconds && (a.nanoseconds === b.nanoseconds || a.nanoseconds === 0 || b.nanoseconds === 0);
}

const isDir = (status: FileStatus | undefined): boolean => status !== undefined && (status.mode & S.IFMT) === S.IFDIR;

const isWhiteout = ({ mode, nodeDevice: { major, minor } }: FileStatus): boolean =>
  (mode & S.IFMT) === S.IFCHR && major === 0 && minor === 0;

/** What `look` finds, or undefined when the name is gone or has become something else. */
function present<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
