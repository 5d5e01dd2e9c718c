/**
 * A tree of files as a process chrooted into it would see it, mounts included, safe against concurrent changes: a path
 * is walked name by name from descriptor to descriptor. Symbolic links are read and followed by this code, inside the
 * tree. The kernel is never asked for `..`, which would lead out of a directory that was moved.
 */
import { AT, cBytes, cString, isErrno, O, OwnedFd, RESOLVE, S, SysError } from "../sys/mod.ts";
import { type ByteString, byteStringOf } from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { absolute, PinnedPath, type TreeMount } from "./pinned_path.ts";

/** Symbolic links that Linux follows in one path (MAXSYMLINKS). */
const LINKS_MAX = 40;
const ITSELF = cString("");
const PINNED = O.PATH | O.NOFOLLOW;
/** Resolves below a descriptor, without following links. */
const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/** Options of {@link TreeView.resolve}. */
export interface WalkOptions {
  /** Whether to follow a symbolic link at the end of the path. Default true. */
  readonly follow?: boolean;
  /** Start of a relative path; default: the root. Links may lead anywhere in the tree. */
  readonly from?: PinnedPath;
  /** Creates a directory that is missing on the path, and returns it. Without it, ENOENT is thrown. */
  readonly onMissing?: (dir: PinnedPath, name: ByteString) => PinnedPath;
  /** Rejects a symbolic link instead of following it. */
  readonly onLink?: (path: ByteString) => never;
}

/**
 * A tree of files as a process chrooted into it would see it, safe against concurrent changes. Every call throws {@link
 * SysError} with the requested path. Owns the descriptors of its root and mounts.
 */
export class TreeView implements Disposable {
  readonly #calls: ArchiveCalls;
  readonly #root: TreeMount;
  readonly #mounts = new Map<ByteString, TreeMount>();
  readonly #blocked = new Map<ByteString, Error>();

  /** Takes ownership of the root's descriptor, which may be O_PATH. */
  constructor(
    root: OwnedFd,
    { readOnly = false, calls = ARCHIVE_CALLS }: { readOnly?: boolean; calls?: ArchiveCalls } = {},
  ) {
    this.#calls = calls;
    this.#root = { path: "", root, readOnly };
    this.#mounts.set("", this.#root);
  }

  /** Mounts `root` at a canonical path and takes ownership of it. Later mounts cover earlier ones. */
  mount(mount: TreeMount): void {
    this.#mounts.get(mount.path)?.root.close();
    this.#mounts.set(mount.path, mount);
  }

  /** Blocks a canonical path and everything below it: each access throws `error`. */
  close(path: ByteString, error: Error): void {
    this.#blocked.set(path, error);
  }

  /** Returns whether a mount is at or below a canonical path. */
  hasMountIn(path: ByteString): boolean {
    return [...this.#mounts.keys()].some((each) => each === path || each.startsWith(`${path}/`));
  }

  root(): PinnedPath {
    return this.#rootOf(this.#root, "");
  }

  /** Looks up a name in a directory without following links; undefined if it doesn't exist. */
  child(dir: PinnedPath, name: ByteString): PinnedPath | undefined {
    const path = `${dir.path}/${name}`;
    const mount = this.#mounts.get(path);
    if (mount !== undefined) return this.#rootOf(mount, path);
    if (this.#blocked.has(path)) throw this.#blocked.get(path);
    try {
      return this.#pinned(this.#calls.openat(dir.fd, cBytes(name), PINNED), path, dir.mount);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  /**
   * Looks up a canonical path without following links; undefined if it doesn't exist, or if a component is a link or no
   * directory. Saves callers from keeping the descriptors of all directories on a long path open.
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
   * Resolves a path. A trailing slash or `/.` requires a directory.
   * @throws {SysError} ENOENT, ENOTDIR, ELOOP
   */
  resolve(path: ByteString, { follow = true, from, onMissing: missing, onLink: link }: WalkOptions = {}): PinnedPath {
    const failed = (name: "ENOENT" | "ENOTDIR" | "ELOOP") => SysError.named("lstat", name, { subject: path });
    const remainingNames = path.split("/").reverse();
    const requiresDir = /(^|\/)\.?$/.test(path);
    let pinned = from !== undefined && !path.startsWith("/") ? this.#copyOf(from) : this.root();
    try {
      for (let links = 0; remainingNames.length > 0;) {
        const name = remainingNames.pop()!;
        if (!pinned.isDir) throw failed("ENOTDIR");
        if (name === "" || name === ".") continue;
        using before = pinned;
        if (name === "..") {
          pinned = this.at(parentOf(before.path)) ?? raise(failed("ENOENT"));
          continue;
        }
        const child = this.child(before, name) ?? missing?.(before, name);
        if (child === undefined) throw failed("ENOENT");
        pinned = child;
        if (!child.isLink || (remainingNames.length === 0 && !follow)) continue;
        link?.(child.path);
        if (++links > LINKS_MAX) throw failed("ELOOP");
        using _link = child;
        const target = byteStringOf(this.#calls.readlinkat(child.fd, ITSELF));
        pinned = target.startsWith("/") ? this.root() : this.#copyOf(before);
        remainingNames.push(...target.split("/").reverse());
      }
      if (requiresDir && !pinned.isDir) throw failed("ENOTDIR");
      return pinned;
    } catch (thrown) {
      pinned[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Resolves the links of a path as far as it exists and takes the rest literally. Returns a canonical path. */
  destination(path: ByteString): ByteString {
    const names: ByteString[] = [];
    const remainingNames = path.split("/").reverse();
    for (let links = 0; remainingNames.length > 0;) {
      const name = remainingNames.pop()!;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        names.pop();
        continue;
      }
      names.push(name);
      using pinned = this.at(`/${names.join("/")}`);
      if (pinned === undefined || !pinned.isLink) continue;
      if (++links > LINKS_MAX) throw SysError.named("lstat", "ELOOP", { subject: path });
      const target = byteStringOf(this.#calls.readlinkat(pinned.fd, ITSELF));
      if (target.startsWith("/")) names.length = 0;
      else names.pop();
      remainingNames.push(...target.split("/").reverse());
    }
    return absolute(names.map((name) => `/${name}`).join(""));
  }

  [Symbol.dispose](): void {
    for (const { root } of this.#mounts.values()) root.close();
    this.#mounts.clear();
  }

  /** Returns the mount that a canonical path belongs to: the deepest one. @throws the error given to {@link close} */
  #mountOf(path: ByteString): TreeMount {
    for (let prefix = path; prefix !== ""; prefix = parentOf(prefix)) {
      const mount = this.#mounts.get(prefix);
      if (mount !== undefined) return mount;
      if (this.#blocked.has(prefix)) throw this.#blocked.get(prefix);
    }
    return this.#root;
  }

  #rootOf(mount: TreeMount, path: ByteString): PinnedPath {
    const { procPath } = mount.root;
    // A directory is reopened by `.`; for a file, the link in /proc is the file itself.
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

/** Returns the parent of a canonical path; that of the root is the root. */
export const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function raise(error: Error): never {
  throw error;
}
