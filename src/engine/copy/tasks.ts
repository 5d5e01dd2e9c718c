/**
 * @module
 * What an archive Worker does with a container's tree: facts about a path, packing, unpacking. Docker's rules for paths
 * (Engine API 1.50, `/containers/{id}/archive`) and its texts.
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

/** The tree, and the container as it was named. */
export interface TaskContext {
  readonly view: TreeView;
  readonly container: string;
}

/** Facts about a path as it is written; a link at its end is the link. @throws {TsdError} not_found, system_call */
export function statPath({ view, container }: TaskContext, path: string): PathStat {
  return attempted({ path, container }, () => {
    using place = view.resolve(byteStringFromText(path), { follow: false });
    return endpointsOf(view, place, path);
  });
}

/** A path as Docker cleans it before it is packed. */
const packedPath = (path: string): string => withEndOf(join("/", path), path);

/** Facts about the path, then the archive. @throws {TsdError} as `statPath`, and while it is read */
export function* packPath({ view, container }: TaskContext, path: string): Generator<PathStat | Uint8Array> {
  const absolute = packedPath(path);
  using start = attempted({ path, container }, () => view.resolve(byteStringFromText(absolute), { follow: false }));
  yield attempted({ path, container }, () => endpointsOf(view, start, absolute));
  const name = byteStringFromText(baseName(absolute));
  // A root has no name: what is in it begins with a slash.
  yield* packTree({ view, start, name: name === "/" ? "" : name });
}

/** The root's content; with `keepsAll` behind the root itself, and with all there is to say of it. */
export function* packRoot(
  { view }: TaskContext,
  { keepsAll = false }: { readonly keepsAll?: boolean } = {},
): Generator<Uint8Array> {
  using start = view.root();
  yield* packTree({ view, start, name: keepsAll ? "." : undefined, keepsAll });
}

/**
 * Copies the content of the folder that a path leads to, if there is one, to an empty folder of the host. Yields after
 * each entry. @throws {TsdError} invalid_argument: it is no folder; {SysError}
 */
export function* copyPath(
  { view }: TaskContext,
  { path, to, replaces = false }: Omit<Extract<CopyTask, { readonly kind: "copy" }>, "kind">,
): Generator<void> {
  using start = dirAt(view, path);
  if (start === undefined) return;
  using target = new OwnedFd(files.open(cString(to), O.RDONLY | O.DIRECTORY | O.NOFOLLOW), files);
  // Somebody may have put something there meanwhile.
  if (!replaces && dirs.readDir(target.fd).length > 0) return;
  let steps = 0;
  for (const step of copyTree(view, start, target, { replaces })) {
    steps++;
    yield step;
  }
  // One is for the folder itself: where nothing is copied into it, nobody has to wait for the disk.
  if (steps > 1) durability.syncfs(target.fd);
}

function dirAt(view: TreeView, path: string): Place | undefined {
  let place: Place;
  try {
    place = view.resolve(byteStringFromText(path));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR")) return undefined;
    throw thrown;
  }
  if (place.isDir) return place;
  place[Symbol.dispose]();
  throw new TsdError("invalid_argument", `cannot mount volume over existing file, file exists ${path}`);
}

type UnpackTask = Extract<CopyTask, { readonly kind: "unpack" }>;

/**
 * Unpacks a tar, already decompressed, into the folder that a path leads to.
 * @param root where the root is mounted, for the container's users
 * @throws {TsdError} not_found; invalid_argument: no folder, or one that can't be written to; archive_invalid, layer_invalid
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

  /** The next bytes of the archive. */
  feed(bytes: Uint8Array): void {
    this.#decoder.feed(bytes);
    for (let item = this.#decoder.next(); item !== undefined; item = this.#decoder.next()) {
      if (item instanceof Uint8Array) this.#unpacker.write(item);
      else this.#unpacker.begin(item);
    }
  }

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

function endpointsOf(view: TreeView, place: Place, path: string): PathStat {
  const { sizeBytes, mode, modifyTime } = place.status;
  const target = place.isLink ? view.destination(byteStringFromText(clean(`/${path}`))) : "";
  return {
    name: baseName(path),
    sizeBytes,
    mode,
    modified: { seconds: modifyTime.seconds, nanoseconds: modifyTime.nanoseconds },
    linkTarget: DECODER.decode(bytesOf(target)),
  };
}

const LEADS_NOWHERE: ReadonlySet<string> = new Set(["ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** Says in Docker's words what is wrong with a path. */
function attempted<T>({ path, container }: { readonly path: string; readonly container: string }, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    if (thrown.errnoName === "ENOENT") {
      throw new TsdError("not_found", `Could not find the file ${path} in container ${container}`, { cause: thrown });
    }
    // Paths that lead nowhere are the caller's mistake.
    const code = LEADS_NOWHERE.has(thrown.errnoName) ? "invalid_argument" : thrown.code;
    throw new TsdError(code, `lstat ${path}: ${thrown.reason}`, { cause: thrown });
  }
}
