/**
 * Copies a tree of files to another directory: owners, modes, extended attributes, hard links, times, holes. Where the
 * file system supports it, files share their blocks (FICLONERANGE). Both sides are walked by descriptors, so that a
 * symbolic link swapped in meanwhile is not followed. Sockets are not copied: a copy has no listener.
 */
import { AT, cBytes, cString, isErrno, O, OwnedFd, S } from "../sys/mod.ts";
import { type ByteString, byteStringOf } from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { dataExtents } from "./data_extents.ts";
import type { PinnedPath } from "./pinned_path.ts";
import { portableXattrs } from "./portable_xattrs.ts";
import { removeTree } from "./remove_tree.ts";
import { parentOf, TreeView } from "./tree_view.ts";

const ITSELF = cString("");
const CHUNK_BYTES = 1 << 20;
/** Errors for which blocks can't be shared: different file systems, no support, or a file of another type. */
const NO_SHARING = ["EXDEV", "EOPNOTSUPP", "EINVAL", "ENOTTY", "EPERM", "ETXTBSY", "ENOSYS"] as const;

export interface CopyOptions {
  /**
   * Whether the target may contain files: existing directories are merged, everything else is replaced. Default false.
   */
  readonly replaces?: boolean;
  readonly calls?: ArchiveCalls;
}

interface Frame {
  readonly from: ByteString;
  readonly to: ByteString;
  readonly names: readonly ByteString[];
  readonly attributes: Pick<PinnedPath, "status">;
  next: number;
}

/**
 * Copies the content of `start` to the directory `target`, which also gets its attributes. Yields after each entry.
 * Entries that are removed meanwhile are skipped. The caller closes the descriptors. @throws {SysError}
 */
export function* copyTree(
  view: TreeView,
  start: PinnedPath,
  target: OwnedFd,
  { replaces = false, calls = ARCHIVE_CALLS }: CopyOptions = {},
): Generator<void> {
  const root = new OwnedFd(calls.openat(target.fd, cString("."), O.PATH | O.DIRECTORY), calls);
  using targetView = new TreeView(root, { calls });
  const copier = new Copier(view, targetView, replaces, calls);
  const frames = [copier.frame(start, "")];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const name = frame.names[frame.next++];
    if (name === undefined) {
      copier.finishDir(frame);
      frames.pop();
    } else {
      const inner = copier.entry(frame, name);
      if (inner !== undefined) frames.push(inner);
    }
    yield;
  }
}

class Copier {
  readonly #view: TreeView;
  readonly #targetView: TreeView;
  readonly #replaces: boolean;
  readonly #calls: ArchiveCalls;
  readonly #firstNames = new Map<string, ByteString>();
  #canShare = true;

  constructor(view: TreeView, targetView: TreeView, replaces: boolean, calls: ArchiveCalls) {
    this.#view = view;
    this.#replaces = replaces;
    this.#targetView = targetView;
    this.#calls = calls;
  }

  frame(dir: PinnedPath, to: ByteString): Frame {
    using open = new OwnedFd(this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    const names = this.#calls.readDir(open.fd).map(({ name }) => name).sort();
    return { from: dir.path, to, names, attributes: { status: dir.status }, next: 0 };
  }

  /** Copies one entry; returns a frame for the content of a directory. */
  entry(frame: Frame, name: ByteString): Frame | undefined {
    using dir = this.#view.at(frame.from);
    using target = this.#targetView.at(frame.to);
    if (dir === undefined || target === undefined || !dir.isDir) return undefined;
    using child = this.#view.child(dir, name);
    if (child === undefined || child.type === S.IFSOCK) return undefined;
    const to = `${frame.to}/${name}`;
    if (this.#replaces && this.#exists(target, name, child)) return this.frame(child, to);
    if (child.isDir) {
      this.#calls.mkdirat(target.fd, cBytes(name), 0o700);
      return this.frame(child, to);
    }
    if (!this.#isLinked(child, target, name, to)) this.#create(child, target, name);
    return undefined;
  }

  /** Removes an existing entry of the same name. Returns whether it is a directory to merge with. */
  #exists(target: PinnedPath, name: ByteString, { isDir }: PinnedPath): boolean {
    using existing = this.#targetView.child(target, name);
    if (existing === undefined) return false;
    if (existing.isDir && isDir) return true;
    removeTree(target.fd, name, this.#calls);
    return false;
  }

  /** Sets a directory's attributes after its content was copied, which changes its time. */
  finishDir({ from, to, attributes }: Frame): void {
    using dir = this.#view.at(from);
    using target = this.#targetView.at(to);
    if (target === undefined) return;
    using open = new OwnedFd(this.#calls.openat(target.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    using source = dir?.isDir
      ? new OwnedFd(this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls)
      : undefined;
    this.#setAttributes(open.fd, source?.fd, attributes);
  }

  /** Creates a hard link if the file was already copied under another name. */
  #isLinked({ status }: PinnedPath, target: PinnedPath, name: ByteString, to: ByteString): boolean {
    if (status.linkCount < 2) return false;
    const key = `${status.device.major}:${status.device.minor}:${status.inode}`;
    const first = this.#firstNames.get(key);
    if (first === undefined) {
      this.#firstNames.set(key, to);
      return false;
    }
    using parent = this.#targetView.at(parentOf(first));
    if (parent === undefined) return false;
    this.#calls.linkat(parent.fd, cBytes(first.slice(first.lastIndexOf("/") + 1)), target.fd, cBytes(name));
    return true;
  }

  #create(child: PinnedPath, target: PinnedPath, name: ByteString): void {
    const { uid, gid, mode, nodeDevice, accessTime, modifyTime } = child.status;
    const file = cBytes(name);
    if (child.type === S.IFREG) return this.#copyFile(child, target, name);
    if (child.isLink) {
      this.#calls.symlinkat(cBytes(byteStringOf(this.#calls.readlinkat(child.fd, ITSELF))), target.fd, file);
    } else this.#calls.mknodat(target.fd, file, mode, nodeDevice);
    this.#calls.fchownat(target.fd, file, uid, gid, AT.SYMLINK_NOFOLLOW);
    if (!child.isLink) {
      using created = this.#targetView.child(target, name);
      // The mode was subject to the umask, and chown clears bits.
      if (created?.type === child.type) {
        this.#calls.fchmodat(AT.FDCWD, cString(created.handle.procPath), mode & 0o7777);
      }
    }
    this.#calls.utimensat(target.fd, file, accessTime, modifyTime, AT.SYMLINK_NOFOLLOW);
  }

  #copyFile(child: PinnedPath, target: PinnedPath, name: ByteString): void {
    const calls = this.#calls;
    using from = new OwnedFd(calls.open(cString(child.handle.procPath), O.RDONLY | O.NONBLOCK), calls);
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    using to = new OwnedFd(calls.openat(target.fd, cBytes(name), flags, 0o600), calls);
    if (!this.#shares(from.fd, to.fd)) this.#copyData(from.fd, to.fd);
    this.#setAttributes(to.fd, from.fd, child);
  }

  #shares(from: number, to: number): boolean {
    if (!this.#canShare) return false;
    try {
      this.#calls.shareBlocks(from, to);
      return true;
    } catch (thrown) {
      if (!isErrno(thrown, ...NO_SHARING)) throw thrown;
      this.#canShare = isErrno(thrown, "EINVAL", "ETXTBSY");
      return false;
    }
  }

  /** Copies a file's data; holes and blocks of zeros become holes. */
  #copyData(from: number, to: number): void {
    const { sizeBytes } = this.#calls.statx(from, ITSELF, AT.EMPTY_PATH);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (const { offset: start, length } of dataExtents(from, sizeBytes, this.#calls)) {
      for (let offset = start, remaining = length; remaining > 0;) {
        const count = this.#calls.pread(from, buffer.subarray(0, Math.min(remaining, CHUNK_BYTES)), offset);
        if (count === 0) break;
        const bytes = buffer.subarray(0, count);
        if (bytes.some((byte) => byte !== 0)) {
          for (let at = 0; at < count;) at += this.#calls.pwrite(to, bytes.subarray(at), offset + at);
        }
        offset += count;
        remaining -= count;
      }
    }
    this.#calls.ftruncate(to, sizeBytes);
  }

  /** Sets attributes, in this order: chown clears set-id bits and capabilities. */
  #setAttributes(fd: number, source: number | undefined, { status }: Pick<PinnedPath, "status">): void {
    this.#calls.fchown(fd, status.uid, status.gid);
    if (source !== undefined) this.#copyXattrs(source, fd);
    this.#calls.fchmod(fd, status.mode & 0o7777);
    this.#calls.futimens(fd, status.accessTime, status.modifyTime);
  }

  /** Copies extended attributes, if the file system supports them. */
  #copyXattrs(from: number, to: number): void {
    try {
      for (const name of portableXattrs(this.#calls.flistxattr(from))) {
        const value = this.#calls.fgetxattr(from, cString(name));
        if (value !== undefined) this.#calls.fsetxattr(to, cString(name), value);
      }
    } catch (thrown) {
      if (!isErrno(thrown, "EOPNOTSUPP")) throw thrown;
    }
  }
}
