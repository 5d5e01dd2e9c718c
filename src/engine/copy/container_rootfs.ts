/**
 * A container's root as a tree to look things up in: its own root, and over it what is mounted in the container. Of one
 * that runs these are the very mounts, reached through its first process and inside its root; of one that doesn't, the
 * sources on the host. Nothing is mounted for it.
 */
import { absolute, ARCHIVE_CALLS, type ArchiveCalls, type Place, splitEnd, TreeView } from "../../archive/mod.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import {
  AT,
  cBytes,
  cString,
  isErrno,
  type MountCalls,
  mounts as mountCalls,
  O,
  OPEN_TREE,
  OwnedFd,
  processStat,
  RESOLVE,
  S,
} from "../../sys/mod.ts";
import { type ByteString, byteStringFromText } from "../../tar/mod.ts";
import { openSubpath } from "../volumes/subpath.ts";
import type { ViewMount, ViewSpec } from "./protocol.ts";

const ITSELF = cString("");
const PATH_MODE = 0o755;

/** What is called, in one object for tests. */
export interface ContainerRootfsCalls {
  readonly files: ArchiveCalls;
  readonly mounts: Pick<MountCalls, "openTree">;
}

const REAL: ContainerRootfsCalls = { files: ARCHIVE_CALLS, mounts: mountCalls };

/**
 * Opens the tree; the caller disposes of it.
 * @throws {TsdError} conflict: the container's process ended meanwhile, or a mount can't be reached; {SysError}
 */
export function openContainerRootfs(spec: ViewSpec, calls: ContainerRootfsCalls = REAL): TreeView {
  const root = new OwnedFd(calls.files.open(cString(spec.root), O.PATH | O.DIRECTORY | O.NOFOLLOW), calls.files);
  using stack = new DisposableStack();
  const view = stack.use(new TreeView(root, { readOnly: spec.readOnly, calls: calls.files }));
  using process = spec.process === undefined ? undefined : new SelfProcess(spec.process, view, calls.files);
  for (const mount of spec.mounts) {
    if (process === undefined || mount.isOwn) laySource(view, mount, calls);
    else process.lay(mount);
  }
  process?.check();
  stack.move();
  return view;
}

/** The first process of a container that runs: what it sees at a mount's target is that mount. */
class SelfProcess implements Disposable {
  readonly #process: { readonly pid: number; readonly startTicks: string };
  readonly #view: TreeView;
  readonly #files: ArchiveCalls;
  readonly #root: OwnedFd;
  readonly #isItsRoot: boolean;

  constructor(process: { readonly pid: number; readonly startTicks: string }, view: TreeView, files: ArchiveCalls) {
    this.#process = process;
    this.#view = view;
    this.#files = files;
    const dir = cString(`/proc/${process.pid}/root`);
    this.#root = openIfExists(() => files.open(dir, O.PATH | O.DIRECTORY), files) ?? raise(ended());
    this.#isItsRoot = isSame(view, this.#root, files);
  }

  lay({ target, readOnly }: ViewMount): void {
    const path = pathOf(this.#view, target);
    if (path === undefined) return;
    if (!this.#isItsRoot) {
      // Its source may lead elsewhere by now, and nobody else knows the mount.
      const why = "its first process has made another folder its root";
      const error = new TsdError("conflict", `Cannot reach the mount ${target} of the container: ${why}`);
      return this.#view.close(path, error);
    }
    const how = { flags: O.PATH, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS };
    const mounted = openIfExists(() => this.#files.openat2(this.#root.fd, cString(target.slice(1)), how), this.#files);
    if (mounted !== undefined) this.#view.mount({ path, root: mounted, readOnly });
  }

  /** Of one that has ended since, the mounts may have gone before they were opened. @throws {TsdError} conflict */
  check(): void {
    const { pid, startTicks } = this.#process;
    const stat = processStat(pid);
    if (stat === undefined || String(stat.startTimeTicks) !== startTicks || /[ZX]/.test(stat.state)) throw ended();
  }

  [Symbol.dispose](): void {
    this.#root.close();
  }
}

const ended = () => new TsdError("conflict", "The container ended while it was being looked into");

/** Whether a process's root is that of its container. */
function isSame(view: TreeView, dir: OwnedFd, files: ArchiveCalls): boolean {
  using root = view.root();
  const { inode, device } = files.statx(dir.fd, ITSELF, AT.EMPTY_PATH);
  const own = root.status;
  return inode === own.inode && device.major === own.device.major && device.minor === own.device.minor;
}

/** What would be mounted if the container ran. */
function laySource(view: TreeView, mount: ViewMount, { files, mounts }: ContainerRootfsCalls): void {
  const { source, target, recursive, readOnly } = mount;
  if (source === undefined) return;
  using whole = openIfExists(() => files.open(cString(source), O.PATH), files);
  if (whole === undefined) return;
  using opened = partOf(view, whole, mount, files);
  if (opened === undefined) return;
  const isDir = (files.statx(opened.fd, ITSELF, AT.EMPTY_PATH).mode & S.IFMT) === S.IFDIR;
  const path = makePath(view, target, isDir, files);
  // A copy of the mount alone has nothing of what is mounted below it.
  const root = recursive
    ? new OwnedFd(opened.take(), files)
    : new OwnedFd(mounts.openTree(opened.fd, "", OPEN_TREE.CLONE), files);
  view.mount({ path, root, readOnly });
}

/** What is mounted of a source. Nobody gets to the target of a subpath that leads out of it. */
function partOf(view: TreeView, whole: OwnedFd, mount: ViewMount, files: ArchiveCalls): OwnedFd | undefined {
  const { source = "", subpath, target } = mount;
  if (subpath === undefined) return new OwnedFd(whole.take(), files);
  try {
    return openSubpath({ fd: whole.fd, path: source }, subpath, files);
  } catch (thrown) {
    if (isTsdError(thrown, "not_found")) return undefined;
    if (!isTsdError(thrown, "invalid_argument")) throw thrown;
    const path = pathOf(view, target);
    if (path !== undefined) view.close(path, thrown);
    return undefined;
  }
}

/** Where a target is in the root: canonical. What lies there may itself be on something that isn't seen, as /dev/shm is. */
function pathOf(view: TreeView, target: string): ByteString | undefined {
  using place = placeOf(view, target);
  if (place !== undefined) return place.path;
  const { dir, name } = splitEnd(target);
  using around = placeOf(view, dir);
  return around === undefined ? undefined : `${around.path}/${byteStringFromText(name)}`;
}

/** What lies at a target, as long as something does. */
function placeOf(view: TreeView, target: string): Place | undefined {
  try {
    return view.resolve(byteStringFromText(target));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}

/** The place that a mount needs, made as a start of the container would make it. */
function makePath(view: TreeView, target: string, isDir: boolean, files: ArchiveCalls): ByteString {
  const missing = (dir: Place, name: ByteString): Place => {
    files.mkdirat(dir.fd, cBytes(name), PATH_MODE);
    return view.child(dir, name) ?? raise(removed(dir.path));
  };
  if (isDir) {
    using made = view.resolve(byteStringFromText(`${target}/.`), { onMissing: missing });
    return made.path;
  }
  using existing = placeOf(view, target);
  if (existing !== undefined) return existing.path;
  const { dir, name } = splitEnd(target);
  using around = view.resolve(byteStringFromText(`${dir}/.`), { onMissing: missing });
  const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
  new OwnedFd(files.openat(around.fd, cString(name), flags, PATH_MODE), files).close();
  return `${around.path}/${byteStringFromText(name)}`;
}

const removed = (path: ByteString) =>
  new TsdError("conflict", `The folder ${absolute(path)} was taken away while it was being looked into`);

function raise(error: Error): never {
  throw error;
}

function openIfExists(open: () => number, files: ArchiveCalls): OwnedFd | undefined {
  try {
    return new OwnedFd(open(), files);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ESRCH", "ELOOP")) return undefined;
    throw thrown;
  }
}
