/**
 * A tree of files as somebody inside sees it, mounts included, whatever is swapped in meanwhile: a path is walked name by
 * name from descriptor to descriptor. Links are read and followed here, inside the tree; nothing ever asks the kernel for
 * `..`, which would lead out of a folder that was moved.
 */
import { AT, cBytes, cString, isErrno, O, OwnedFd, RESOLVE, S, SysError } from "../sys/mod.ts";
import { type ByteString, byteStringOf } from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { absolute, PinnedPath, type TreeMount } from "./pinned_path.ts";

/** Links that Linux follows in one path (MAXSYMLINKS). */
const LINKS_MAX = 40;
const ITSELF = cString("");
const PINNED = O.PATH | O.NOFOLLOW;
/** Below a descriptor, through no link. */
const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/** How a path is walked. */
export interface WalkOptions {
  /** Follows a link at its end too. Default true. */
  readonly follow?: boolean;
  /** Where a relative path begins; default: the root. Links may lead to anywhere in the tree. */
  readonly from?: PinnedPath;
  /** Makes a folder that is missing on the way, and gives its place. */
  readonly missing?: (dir: PinnedPath, name: ByteString) => PinnedPath;
  /** Refuses links instead of following them. */
  readonly link?: (path: ByteString) => never;
}

/** See the module's comment. Every call throws {@link SysError}, and names the path that is meant. */
export class TreeView implements Disposable {
  readonly #calls: ArchiveCalls;
  readonly #root: TreeMount;
  readonly #mounts = new Map<ByteString, TreeMount>();
  readonly #closed = new Map<ByteString, Error>();

  /** Owns the descriptor of the root from now on; it may be O_PATH. */
  constructor(
    root: OwnedFd,
    { readOnly = false, calls = ARCHIVE_CALLS }: { readOnly?: boolean; calls?: ArchiveCalls } = {},
  ) {
    this.#calls = calls;
    this.#root = { path: "", root, readOnly };
    this.#mounts.set("", this.#root);
  }

  /** Lets `root` be seen at a canonical path, and owns it from now on. Later mounts cover earlier ones. */
  mount(mount: TreeMount): void {
    this.#mounts.get(mount.path)?.root.close();
    this.#mounts.set(mount.path, mount);
  }

  /** Nobody gets to a canonical path, or to anything in it: whoever tries gets the error. */
  close(path: ByteString, error: Error): void {
    this.#closed.set(path, error);
  }

  /** Whether a mount is at or below a canonical path. */
  hasMountIn(path: ByteString): boolean {
    return [...this.#mounts.keys()].some((each) => each === path || each.startsWith(`${path}/`));
  }

  root(): PinnedPath {
    return this.#rootOf(this.#root, "");
  }

  /** What a folder has under a name, links not followed; undefined when there is nothing. */
  child(dir: PinnedPath, name: ByteString): PinnedPath | undefined {
    const path = `${dir.path}/${name}`;
    const mount = this.#mounts.get(path);
    if (mount !== undefined) return this.#rootOf(mount, path);
    if (this.#closed.has(path)) throw this.#closed.get(path);
    try {
      return this.#pinned(this.#calls.openat(dir.fd, cBytes(name), PINNED), path, dir.mount);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  /**
   * What is at a canonical path, through no link; undefined when there is nothing, or something in the way. So that nobody
   * has to keep the descriptors of all folders on a long way.
   */
  at(path: ByteString): PinnedPath | undefined {
    const mount = this.#mountOf(path);
    const below = path.slice(mount.path.length + 1);
    if (below === "") return this.#rootOf(mount, path);
    try {
      const fd = this.#calls.openat2(mount.root.fd, cBytes(below), { flags: PINNED, resolve: BENEATH });
      return this.#pinned(fd, path, mount);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
      throw thrown;
    }
  }

  /**
   * Where a path leads. A slash or `/.` at its end asks for a folder.
   * @throws {SysError} ENOENT, ENOTDIR, ELOOP
   */
  resolve(path: ByteString, { follow = true, from, missing, link }: WalkOptions = {}): PinnedPath {
    const failed = (name: "ENOENT" | "ENOTDIR" | "ELOOP") => SysError.named("lstat", name, { subject: path });
    const ahead = path.split("/").reverse();
    const isDirWanted = /(^|\/)\.?$/.test(path);
    let place = from !== undefined && !path.startsWith("/") ? this.#copyOf(from) : this.root();
    try {
      for (let links = 0; ahead.length > 0;) {
        const name = ahead.pop()!;
        if (!place.isDir) throw failed("ENOTDIR");
        if (name === "" || name === ".") continue;
        using before = place;
        if (name === "..") {
          place = this.at(parentOf(before.path)) ?? raise(failed("ENOENT"));
          continue;
        }
        const child = this.child(before, name) ?? missing?.(before, name);
        if (child === undefined) throw failed("ENOENT");
        place = child;
        if (!child.isLink || (ahead.length === 0 && !follow)) continue;
        link?.(child.path);
        if (++links > LINKS_MAX) throw failed("ELOOP");
        using _link = child;
        const target = byteStringOf(this.#calls.readlinkat(child.fd, ITSELF));
        place = target.startsWith("/") ? this.root() : this.#copyOf(before);
        ahead.push(...target.split("/").reverse());
      }
      if (isDirWanted && !place.isDir) throw failed("ENOTDIR");
      return place;
    } catch (thrown) {
      place[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Where a path leads as far as there is something on its way; the rest is taken as it is written. Canonical. */
  destination(path: ByteString): ByteString {
    const names: ByteString[] = [];
    const ahead = path.split("/").reverse();
    for (let links = 0; ahead.length > 0;) {
      const name = ahead.pop()!;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        names.pop();
        continue;
      }
      names.push(name);
      using place = this.at(`/${names.join("/")}`);
      if (place === undefined || !place.isLink) continue;
      if (++links > LINKS_MAX) throw SysError.named("lstat", "ELOOP", { subject: path });
      const target = byteStringOf(this.#calls.readlinkat(place.fd, ITSELF));
      if (target.startsWith("/")) names.length = 0;
      else names.pop();
      ahead.push(...target.split("/").reverse());
    }
    return absolute(names.map((name) => `/${name}`).join(""));
  }

  [Symbol.dispose](): void {
    for (const { root } of this.#mounts.values()) root.close();
    this.#mounts.clear();
  }

  /** The mount that a canonical path is in: the deepest one. @throws what {@link close} was given */
  #mountOf(path: ByteString): TreeMount {
    for (let prefix = path; prefix !== ""; prefix = parentOf(prefix)) {
      const mount = this.#mounts.get(prefix);
      if (mount !== undefined) return mount;
      if (this.#closed.has(prefix)) throw this.#closed.get(prefix);
    }
    return this.#root;
  }

  #rootOf(mount: TreeMount, path: ByteString): PinnedPath {
    const { procPath } = mount.root;
    // A folder by its own name; a file has none, and the link in /proc is the file itself.
    const isDir = (this.#calls.statx(mount.root.fd, ITSELF, AT.EMPTY_PATH).mode & S.IFMT) === S.IFDIR;
    const fd = isDir
      ? this.#calls.openat(mount.root.fd, cString("."), PINNED | O.DIRECTORY)
      : this.#calls.open(cString(procPath), O.PATH);
    return this.#pinned(fd, path, mount);
  }

  #copyOf({ fd, path, mount }: PinnedPath): PinnedPath {
    return this.#pinned(this.#calls.openat(fd, cString("."), PINNED | O.DIRECTORY), path, mount);
  }

  #pinned(fd: number, path: ByteString, mount: TreeMount): PinnedPath {
    using handle = new OwnedFd(fd, this.#calls);
    const status = this.#calls.statx(handle.fd, ITSELF, AT.EMPTY_PATH | AT.NO_AUTOMOUNT);
    return new PinnedPath(path, new OwnedFd(handle.take(), this.#calls), status, mount);
  }
}

/** Of a canonical path; the root's is the root. */
export const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function raise(error: Error): never {
  throw error;
}
