/**
 * A container's root file system with its mounts, as a tree for path lookups. For a running container these are its actual
 * mounts, reached through its init process and inside its root; for a stopped one their sources on the host. Nothing is
 * mounted for the lookup.
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
import { openSubpath } from "./subpath.ts";
import type { ViewMount, ViewSpec } from "./protocol.ts";

const ITSELF = cString("");
const PATH_MODE = 0o755;

/** System calls, in one object for tests. */
export interface ContainerRootfsCalls {
  readonly files: ArchiveCalls;
  readonly mounts: Pick<MountCalls, "openTree">;
}

const REAL: ContainerRootfsCalls = { files: ARCHIVE_CALLS, mounts: mountCalls };

/**
 * Opens the tree; the caller disposes of it.
 * @throws {TsdError} conflict if the container's process exited meanwhile, or a mount can't be reached; {SysError}
 */
export function openContainerRootfs(spec: ViewSpec, calls: ContainerRootfsCalls = REAL): TreeView {
  const root = new OwnedFd(calls.files.open(cString(spec.root), O.PATH | O.DIRECTORY | O.NOFOLLOW), calls.files);
  using stack = new DisposableStack();
  const view = stack.use(new TreeView(root, { readOnly: spec.readOnly, calls: calls.files }));
  using process = spec.process === undefined ? undefined : new InitProcess(spec.process, view, calls.files);
  for (const mount of spec.mounts) {
    if (process === undefined || mount.isOwn) addSource(view, mount, calls);
    else process.addMount(mount);
  }
  process?.check();
  stack.move();
  return view;
}

/** The init process of a running container, through whose root the container's mounts are opened. */
class InitProcess implements Disposable {
  readonly #process: { readonly pid: number; readonly startTicks: string };
  readonly #view: TreeView;
  readonly #files: ArchiveCalls;
  readonly #root: OwnedFd;
  readonly #isContainerRoot: boolean;

  constructor(process: { readonly pid: number; readonly startTicks: string }, view: TreeView, files: ArchiveCalls) {
    this.#process = process;
    this.#view = view;
    this.#files = files;
    const dir = cString(`/proc/${process.pid}/root`);
    this.#root = openIfExists(() => files.open(dir, O.PATH | O.DIRECTORY), files) ?? raise(containerExited());
    this.#isContainerRoot = isSame(view, this.#root, files);
  }

  addMount({ target, readOnly }: ViewMount): void {
    const path = pathOf(this.#view, target);
    if (path === undefined) return;
    if (!this.#isContainerRoot) {
      // The source's path may lead elsewhere by now, and the mount is reachable only through the process.
      const why = "its first process has made another folder its root";
      const error = new TsdError("conflict", `Cannot reach the mount ${target} of the container: ${why}`);
      return this.#view.close(path, error);
    }
    const how = { flags: O.PATH, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS };
    const mounted = openIfExists(() => this.#files.openat2(this.#root.fd, cString(target.slice(1)), how), this.#files);
    if (mounted !== undefined) this.#view.mount({ path, root: mounted, readOnly });
  }

  /** Checks that the process still runs: otherwise mounts may have been gone when opened. @throws {TsdError} conflict */
  check(): void {
    const { pid, startTicks } = this.#process;
    const stat = processStat(pid);
    if (stat === undefined || String(stat.startTimeTicks) !== startTicks || /[ZX]/.test(stat.state)) {
      throw containerExited();
    }
  }

  [Symbol.dispose](): void {
    this.#root.close();
  }
}

const containerExited = () => new TsdError("conflict", "The container ended while it was being looked into");

/** Returns whether a process's root is that of its container. */
function isSame(view: TreeView, dir: OwnedFd, files: ArchiveCalls): boolean {
  using root = view.root();
  const { inode, device } = files.statx(dir.fd, ITSELF, AT.EMPTY_PATH);
  const rootStatus = root.status;
  return inode === rootStatus.inode && device.major === rootStatus.device.major &&
    device.minor === rootStatus.device.minor;
}

/** Adds the source of a mount of a stopped container. */
function addSource(view: TreeView, mount: ViewMount, { files, mounts }: ContainerRootfsCalls): void {
  const { source, target, recursive, readOnly } = mount;
  if (source === undefined) return;
  using whole = openIfExists(() => files.open(cString(source), O.PATH), files);
  if (whole === undefined) return;
  using opened = partOf(view, whole, mount, files);
  if (opened === undefined) return;
  const isDir = (files.statx(opened.fd, ITSELF, AT.EMPTY_PATH).mode & S.IFMT) === S.IFDIR;
  const path = makePath(view, target, isDir, files);
  // A non-recursive clone of the mount excludes the mounts below it.
  const root = recursive
    ? new OwnedFd(opened.take(), files)
    : new OwnedFd(mounts.openTree(opened.fd, "", OPEN_TREE.CLONE), files);
  view.mount({ path, root, readOnly });
}

/** Opens the part of a source that is mounted. A subpath that leads outside closes the mount's target. */
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

/** Returns the canonical path of a target. The target itself need not exist in the view, as for /dev/shm. */
function pathOf(view: TreeView, target: string): ByteString | undefined {
  using resolved = resolveIfExists(view, target);
  if (resolved !== undefined) return resolved.path;
  const { dir, name } = splitEnd(target);
  using parent = resolveIfExists(view, dir);
  return parent === undefined ? undefined : `${parent.path}/${byteStringFromText(name)}`;
}

/** Resolves a target; undefined if it does not exist. */
function resolveIfExists(view: TreeView, target: string): Place | undefined {
  try {
    return view.resolve(byteStringFromText(target));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw thrown;
  }
}

/** Creates the mount point as a start of the container would, and returns its canonical path. */
function makePath(view: TreeView, target: string, isDir: boolean, files: ArchiveCalls): ByteString {
  const missing = (dir: Place, name: ByteString): Place => {
    files.mkdirat(dir.fd, cBytes(name), PATH_MODE);
    return view.child(dir, name) ?? raise(removed(dir.path));
  };
  if (isDir) {
    using made = view.resolve(byteStringFromText(`${target}/.`), { onMissing: missing });
    return made.path;
  }
  using existing = resolveIfExists(view, target);
  if (existing !== undefined) return existing.path;
  const { dir, name } = splitEnd(target);
  using parent = view.resolve(byteStringFromText(`${dir}/.`), { onMissing: missing });
  const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
  new OwnedFd(files.openat(parent.fd, cString(name), flags, PATH_MODE), files).close();
  return `${parent.path}/${byteStringFromText(name)}`;
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
