/**
 * A tree of files copied to another folder: owners, modes, extended attributes, hard links, times, holes. Where the file
 * system can, files share their blocks (FICLONERANGE). Both sides are walked from descriptors, so that links swapped in
 * meanwhile lead nowhere. Sockets stay behind: nobody listens at a copy.
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
/** No blocks can be shared: other file systems, one that has no such thing, something that isn't all file. */
const NO_SHARING = ["EXDEV", "EOPNOTSUPP", "EINVAL", "ENOTTY", "EPERM", "ETXTBSY", "ENOSYS"] as const;

export interface CopyOptions {
  /** Whether there may be something in the way: folders are gone into, all else is made anew. */
  readonly replaces?: boolean;
  readonly calls?: ArchiveCalls;
}

interface Frame {
  readonly from: ByteString;
  readonly to: ByteString;
  readonly names: readonly ByteString[];
  readonly place: Pick<PinnedPath, "status">;
  next: number;
}

/**
 * Copies what is in `start` to the folder `target`, which gets its attributes too. Yields after each entry. What goes away
 * meanwhile is left out. The descriptors stay the caller's. @throws {SysError}
 */
export function* copyTree(
  view: TreeView,
  start: PinnedPath,
  target: OwnedFd,
  { replaces = false, calls = ARCHIVE_CALLS }: CopyOptions = {},
): Generator<void> {
  const root = new OwnedFd(calls.openat(target.fd, cString("."), O.PATH | O.DIRECTORY), calls);
  using there = new TreeView(root, { calls });
  const copier = new Copier(view, there, replaces, calls);
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
  readonly #there: TreeView;
  readonly #replaces: boolean;
  readonly #calls: ArchiveCalls;
  readonly #firstNames = new Map<string, ByteString>();
  #canShare = true;

  constructor(view: TreeView, there: TreeView, replaces: boolean, calls: ArchiveCalls) {
    this.#view = view;
    this.#replaces = replaces;
    this.#there = there;
    this.#calls = calls;
  }

  frame(dir: PinnedPath, to: ByteString): Frame {
    using open = new OwnedFd(this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    const names = this.#calls.readDir(open.fd).map(({ name }) => name).sort();
    return { from: dir.path, to, names, place: { status: dir.status }, next: 0 };
  }

  /** Copies one thing; of a folder it gives what is in it. */
  entry(frame: Frame, name: ByteString): Frame | undefined {
    using dir = this.#view.at(frame.from);
    using target = this.#there.at(frame.to);
    if (dir === undefined || target === undefined || !dir.isDir) return undefined;
    using child = this.#view.child(dir, name);
    if (child === undefined || child.type === S.IFSOCK) return undefined;
    const to = `${frame.to}/${name}`;
    if (this.#replaces && this.#exists(target, name, child)) return this.frame(child, to);
    if (child.isDir) {
      this.#calls.mkdirat(target.fd, cBytes(name), 0o700);
      return this.frame(child, to);
    }
    if (!this.#isLinked(child, target, name, to)) this.#make(child, target, name);
    return undefined;
  }

  /** Makes way. Says whether a folder is there for a folder. */
  #exists(target: PinnedPath, name: ByteString, { isDir }: PinnedPath): boolean {
    using existing = this.#there.child(target, name);
    if (existing === undefined) return false;
    if (existing.isDir && isDir) return true;
    removeTree(target.fd, name, this.#calls);
    return false;
  }

  /** All but its content is set last: what is put into a folder changes its time. */
  finishDir({ from, to, place }: Frame): void {
    using dir = this.#view.at(from);
    using target = this.#there.at(to);
    if (target === undefined) return;
    using open = new OwnedFd(this.#calls.openat(target.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    using source = dir?.isDir
      ? new OwnedFd(this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls)
      : undefined;
    this.#setAttributes(open.fd, source?.fd, place);
  }

  /** A second name for what was copied under another one. */
  #isLinked({ status }: PinnedPath, target: PinnedPath, name: ByteString, to: ByteString): boolean {
    if (status.linkCount < 2) return false;
    const key = `${status.device.major}:${status.device.minor}:${status.inode}`;
    const first = this.#firstNames.get(key);
    if (first === undefined) {
      this.#firstNames.set(key, to);
      return false;
    }
    using around = this.#there.at(parentOf(first));
    if (around === undefined) return false;
    this.#calls.linkat(around.fd, cBytes(first.slice(first.lastIndexOf("/") + 1)), target.fd, cBytes(name));
    return true;
  }

  #make(child: PinnedPath, target: PinnedPath, name: ByteString): void {
    const { uid, gid, mode, nodeDevice, accessTime, modifyTime } = child.status;
    const file = cBytes(name);
    if (child.type === S.IFREG) return this.#copyFile(child, target, name);
    if (child.isLink) {
      this.#calls.symlinkat(cBytes(byteStringOf(this.#calls.readlinkat(child.fd, ITSELF))), target.fd, file);
    } else this.#calls.mknodat(target.fd, file, mode, nodeDevice);
    this.#calls.fchownat(target.fd, file, uid, gid, AT.SYMLINK_NOFOLLOW);
    if (!child.isLink) {
      using made = this.#there.child(target, name);
      // Its mode has gone through our mask, and a new owner takes bits away.
      if (made?.type === child.type) {
        this.#calls.fchmodat(AT.FDCWD, cString(made.handle.procPath), mode & 0o7777);
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

  /** Holes stay holes; what is all zeros becomes one. */
  #copyData(from: number, to: number): void {
    const { sizeBytes } = this.#calls.statx(from, ITSELF, AT.EMPTY_PATH);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (const { offset: start, length } of dataExtents(from, sizeBytes, this.#calls)) {
      for (let offset = start, left = length; left > 0;) {
        const count = this.#calls.pread(from, buffer.subarray(0, Math.min(left, CHUNK_BYTES)), offset);
        if (count === 0) break;
        const bytes = buffer.subarray(0, count);
        if (bytes.some((byte) => byte !== 0)) {
          for (let at = 0; at < count;) at += this.#calls.pwrite(to, bytes.subarray(at), offset + at);
        }
        offset += count;
        left -= count;
      }
    }
    this.#calls.ftruncate(to, sizeBytes);
  }

  /** In this order: a new owner takes set-id bits and capabilities away. */
  #setAttributes(fd: number, source: number | undefined, { status }: Pick<PinnedPath, "status">): void {
    this.#calls.fchown(fd, status.uid, status.gid);
    if (source !== undefined) this.#copyXattrs(source, fd);
    this.#calls.fchmod(fd, status.mode & 0o7777);
    this.#calls.futimens(fd, status.accessTime, status.modifyTime);
  }

  /** Not every file system has attributes. */
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
