/**
 * Lists what a container changed, from its upper directory and the layers below it. Both are walked in parallel, each
 * directory through a descriptor, so that links swapped in meanwhile lead nowhere. Docker's rules decide what counts:
 * mode, owner, device, capabilities, and for non-directories also time and size.
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

/**
 * A directory in the walk. It holds no descriptor while its children are walked: a container's tree may be very deep.
 */
interface Frame {
  /** Without a trailing slash; empty for the root. */
  readonly path: ByteString;
  /** Whether the image has this directory; otherwise everything in it is new. */
  readonly isOld: boolean;
  readonly parent: Frame | undefined;
  /** Whether it was reported already, for itself or because something in it changed. */
  isReported: boolean;
}

/** A directory in both trees, while it is being compared. */
interface ComparedTrees {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd | undefined;
}

/** The comparison of one name in a directory. */
interface Finding {
  readonly name: ByteString;
  readonly kind: ChangeKind | undefined;
  readonly isDir: boolean;
  readonly wasDir: boolean;
}

/** The status of one name in the upper and the lower directory. */
interface Pair {
  readonly upper: FileStatus | undefined;
  readonly lower: FileStatus | undefined;
}

/** The trees to compare; the caller keeps the descriptors. */
export interface Comparison {
  readonly upper: OwnedFd;
  readonly lower: OwnedFd;
  /** See `Snapshotter.diff`. */
  readonly assumed?: ReadonlySet<ByteString> | undefined;
  /** Whether `upper` is a complete tree, such as a btrfs snapshot, and not only the changes on top of `lower`. */
  readonly isWhole?: boolean | undefined;
}

/**
 * Yields the changes: parents before children, names in byte order. A directory in which something changed counts as
 * modified; the root is not reported.
 * @throws {SysError}
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
  readonly #cooperativeYield = new CooperativeYield();

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
    const trees = { upper, lower };
    const findings: Finding[] = [];
    for (const name of this.#names(trees)) {
      await this.#cooperativeYield.yieldIfLong();
      const pair = { upper: this.#statusIn(upper, name), lower: this.#statusIn(lower, name) };
      const kind = this.#kindOf(trees, `${frame.path}/${name}`, name, pair);
      findings.push({ name, kind, isDir: isDir(pair.upper), wasDir: isDir(pair.lower) });
    }
    return findings;
  }

  /** The names in the upper directory; in an opaque directory also those that it hides. */
  #names({ upper, lower }: ComparedTrees): ByteString[] {
    const names = this.#calls.readDir(upper.fd).map(({ name }) => name);
    if (lower !== undefined && (this.#isWhole || this.#isOpaque(upper))) {
      const upperNames = new Set(names);
      // The lowest layer may have whiteouts, which hide nothing: such a name is ignored later.
      const hidden = this.#calls.readDir(lower.fd).filter(({ name }) => !upperNames.has(name));
      names.push(...hidden.map(({ name }) => name));
    }
    return names.sort((a, b) => a < b ? -1 : 1);
  }

  #kindOf(trees: ComparedTrees, path: ByteString, name: ByteString, { upper, lower }: Pair): ChangeKind | undefined {
    if (upper === undefined) return lower === undefined ? undefined : "deleted";
    if (lower === undefined) return this.#assumed.has(path) ? undefined : "added";
    if (this.#isWhole && isUntouched(upper, lower)) return undefined;
    if (isDifferent(upper, lower)) return "modified";
    if ((upper.mode & S.IFMT) !== S.IFREG) return undefined;
    return this.#capability(trees.upper, name) === this.#capability(trees.lower, name) ? undefined : "modified";
  }

  /** Returns undefined also for a whiteout, which overlayfs treats as absent. */
  #statusIn(dir: OwnedFd | undefined, name: ByteString): FileStatus | undefined {
    if (dir === undefined) return undefined;
    const status = ifExists(() => this.#calls.statx(dir.fd, cBytes(name), AT.SYMLINK_NOFOLLOW));
    return status !== undefined && !this.#isWhole && isWhiteout(status) ? undefined : status;
  }

  #open(root: OwnedFd, path: ByteString): OwnedFd | undefined {
    const below = cBytes(path === "" ? "." : path.slice(1));
    const fd = ifExists(() => this.#calls.openat2(root.fd, below, { flags: DIR, resolve: BENEATH }));
    return fd === undefined ? undefined : new OwnedFd(fd, this.#calls);
  }

  #isOpaque(dir: OwnedFd): boolean {
    const value = this.#calls.fgetxattr(dir.fd, OPAQUE);
    return value?.length === 1 && value[0] === "y".charCodeAt(0);
  }

  #capability(dir: OwnedFd | undefined, name: ByteString): string {
    if (dir === undefined) return "";
    const path = cBytes(`${dir.procPath}/${name}`);
    return ifExists(() => this.#calls.lgetxattr(path, CAPABILITY))?.toHex() ?? "";
  }
}

/** Yields the parent directories that weren't reported yet, then the change. */
function* reported(frame: Frame, change: Change): Generator<Change> {
  const unreported: Frame[] = [];
  for (let at: Frame | undefined = frame; at !== undefined && !at.isReported; at = at.parent) unreported.push(at);
  for (const dir of unreported.reverse()) {
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

/** A snapshot keeps inode numbers, and every change of an inode sets its ctime. */
export function isUntouched(now: FileStatus, before: FileStatus): boolean {
  const [a, b] = [now.changeTime, before.changeTime];
  return now.inode === before.inode && a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

/** Times from tars often have no fraction of a second. */
function isSameTime(a: Timespec, b: Timespec): boolean {
  return a.seconds === b.seconds && (a.nanoseconds === b.nanoseconds || a.nanoseconds === 0 || b.nanoseconds === 0);
}

const isDir = (status: FileStatus | undefined): boolean => status !== undefined && (status.mode & S.IFMT) === S.IFDIR;

const isWhiteout = ({ mode, nodeDevice: { major, minor } }: FileStatus): boolean =>
  (mode & S.IFMT) === S.IFCHR && major === 0 && minor === 0;

/** Returns undefined if the name was removed or replaced. */
function ifExists<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}
