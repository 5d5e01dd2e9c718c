/**
 * @module
 * The operations of an archive Worker on a container's tree: stat, pack, copy and unpack, with Docker's rules for paths
 * (Engine API 1.50, `/containers/{id}/archive`) and Docker's error texts.
 */
import {
  baseName,
  clean,
  copyTree,
  join,
  type Owner,
  packTree,
  type Place,
  type TreeView,
  Unpacker,
  withEndOf,
} from "../../archive/mod.ts";
import { TsdError } from "../../errors.ts";
import { rootfsAccountFiles } from "../../runtime/spec/rootfs_passwd.ts";
import { resolveUser } from "../../runtime/spec/user.ts";
import { cString, dirs, durability, files, isErrno, O, OwnedFd, SysError } from "../../sys/mod.ts";
import { bytesOf, byteStringFromText, TarDecoder } from "../../tar/mod.ts";
import type { CopyTask, PathStat } from "./protocol.ts";

const DECODER = new TextDecoder();

/** The tree, and the container's name or id as given by the client. */
export interface TaskContext {
  readonly view: TreeView;
  readonly container: string;
}

/** Stats a path without following a link at its end. @throws {TsdError} not_found, system_call */
export function statPath({ view, container }: TaskContext, path: string): PathStat {
  return attempted({ path, container }, () => {
    using entry = view.resolve(byteStringFromText(path), { follow: false });
    return endpointsOf(view, entry, path);
  });
}

/** Cleans a path as Docker does before packing. */
const packedPath = (path: string): string => withEndOf(join("/", path), path);

/** Yields the path's stat, then the archive. @throws {TsdError} as `statPath`, also during iteration */
export function* packPath({ view, container }: TaskContext, path: string): Generator<PathStat | Uint8Array> {
  const absolute = packedPath(path);
  using start = attempted({ path, container }, () => view.resolve(byteStringFromText(absolute), { follow: false }));
  yield attempted({ path, container }, () => endpointsOf(view, start, absolute));
  const name = byteStringFromText(baseName(absolute));
  // A root has no name: the names of its entries begin with a slash.
  yield* packTree({ view, start, name: name === "/" ? "" : name });
}

/** Packs the root's content; with `keepsAll` preceded by the root itself, and with all metadata. */
export function* packRoot(
  { view }: TaskContext,
  { keepsAll = false }: { readonly keepsAll?: boolean } = {},
): Generator<Uint8Array> {
  using start = view.root();
  yield* packTree({ view, start, name: keepsAll ? "." : undefined, keepsAll });
}

/**
 * Copies the content of the directory at a path, if it exists, to an empty directory of the host. Yields after each entry.
 * @throws {TsdError} invalid_argument if it is not a directory; {SysError}
 */
export function* copyPath(
  { view }: TaskContext,
  { path, to, replaces = false }: Omit<Extract<CopyTask, { readonly kind: "copy" }>, "kind">,
): Generator<void> {
  using start = dirAt(view, path);
  if (start === undefined) return;
  using target = new OwnedFd(files.open(cString(to), O.RDONLY | O.DIRECTORY | O.NOFOLLOW), files);
  // The target may have been filled in the meantime.
  if (!replaces && dirs.readDir(target.fd).length > 0) return;
  let steps = 0;
  for (const step of copyTree(view, start, target, { replaces })) {
    steps++;
    yield step;
  }
  // The first step is for the directory itself: if nothing was copied into it, no sync is needed.
  if (steps > 1) durability.syncfs(target.fd);
}

function dirAt(view: TreeView, path: string): Place | undefined {
  let entry: Place;
  try {
    entry = view.resolve(byteStringFromText(path));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR")) return undefined;
    throw thrown;
  }
  if (entry.isDir) return entry;
  entry[Symbol.dispose]();
  throw new TsdError("invalid_argument", `cannot mount volume over existing file, file exists ${path}`);
}

type UnpackTask = Extract<CopyTask, { readonly kind: "unpack" }>;

/**
 * Unpacks an uncompressed tar into the directory at a path.
 * @param root absolute path of the mounted root, to look up the container's users
 * @throws {TsdError} not_found; invalid_argument (not a directory, or read-only); archive_invalid, layer_invalid
 */
export class UnpackingTask implements Disposable {
  readonly #decoder = new TarDecoder();
  readonly #unpacker: Unpacker;
  readonly #dir: Place;
  readonly #isDurable: boolean;

  constructor({ view, container }: TaskContext, task: UnpackTask, root: string) {
    const { path, mayReplaceDirs, user, setsDir = false, isDurable = false } = task;
    this.#isDurable = isDurable;
    this.#dir = attempted({ path, container }, () => view.resolve(byteStringFromText(join("/", path))));
    using stack = new DisposableStack();
    stack.use(this.#dir);
    checkTarget(this.#dir);
    const options = { mayReplaceDirs, owner: ownerOf(user, root), followLinks: true, isRoot: true, setsDir };
    this.#unpacker = new Unpacker({ view, dir: this.#dir }, options);
    stack.move();
  }

  /** Unpacks the next bytes of the archive. */
  feed(bytes: Uint8Array): void {
    this.#decoder.feed(bytes);
    for (let item = this.#decoder.next(); item !== undefined; item = this.#decoder.next()) {
      if (item instanceof Uint8Array) this.#unpacker.write(item);
      else this.#unpacker.begin(item);
    }
  }

  /** Ends the archive. @throws {TsdError} if it is truncated */
  finish(): void {
    this.#decoder.finish();
    this.#unpacker.finish();
    if (!this.#isDurable) return;
    using dir = new OwnedFd(files.openat(this.#dir.fd, cString("."), O.RDONLY | O.DIRECTORY), files);
    durability.syncfs(dir.fd);
  }

  [Symbol.dispose](): void {
    this.#unpacker[Symbol.dispose]();
    this.#dir[Symbol.dispose]();
  }
}

function checkTarget({ isDir, mount }: Place): void {
  if (!isDir) throw new TsdError("invalid_argument", "extraction point is not a directory");
  if (!mount.readOnly) return;
  const what = mount.path === "" ? "container rootfs" : "mounted volume";
  throw new TsdError("invalid_argument", `${what} is marked read-only`);
}

function ownerOf(user: string | undefined, root: string): Owner {
  return user === undefined ? "archive" : resolveUser(user, rootfsAccountFiles(root)).user;
}

function endpointsOf(view: TreeView, entry: Place, path: string): PathStat {
  const { sizeBytes, mode, modifyTime } = entry.status;
  const target = entry.isLink ? view.destination(byteStringFromText(clean(`/${path}`))) : "";
  return {
    name: baseName(path),
    sizeBytes,
    mode,
    modified: { seconds: modifyTime.seconds, nanoseconds: modifyTime.nanoseconds },
    linkTarget: DECODER.decode(bytesOf(target)),
  };
}

const INVALID_PATH_ERRORS: ReadonlySet<string> = new Set(["ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** Runs a step and maps errors of the path to Docker's texts. */
function attempted<T>({ path, container }: { readonly path: string; readonly container: string }, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    if (thrown.errnoName === "ENOENT") {
      throw new TsdError("not_found", `Could not find the file ${path} in container ${container}`, { cause: thrown });
    }
    // Invalid paths are the caller's mistake.
    const code = INVALID_PATH_ERRORS.has(thrown.errnoName) ? "invalid_argument" : thrown.code;
    throw new TsdError(code, `lstat ${path}: ${thrown.reason}`, { cause: thrown });
  }
}
