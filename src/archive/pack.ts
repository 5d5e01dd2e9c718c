/**
 * Packs a tree of files into a tar archive while reading it. One directory and one file are open at a time, however
 * deep the tree is. Only regular files are opened for reading, through the descriptor that they were examined with.
 *
 * As in Docker: names sorted by bytes, whole seconds, capabilities as the only extended attributes, further names of a
 * file as hard links, no sockets. With `keepsAll` also: fractions of seconds, all extended attributes, and holes. A
 * file that shrinks while it is read is padded with zeros.
 */
import { TsdError } from "../errors.ts";
import { AT, cString, type FileStatus, isErrno, O, OwnedFd, S, SysError } from "../sys/mod.ts";
import {
  bytesOf,
  type ByteString,
  byteStringFromText,
  byteStringOf,
  encodeHeader,
  encodeSparseHeader,
  END_OF_TAR,
  NO_XATTRS,
  paddingOf,
  quoted,
  type SparseExtent,
  type TarEntryType,
  tarHeader,
} from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { Chunks } from "./chunks.ts";
import { dataExtents } from "./data_extents.ts";
import { portableXattrs } from "./portable_xattrs.ts";
import { absolute, type PinnedPath } from "./pinned_path.ts";
import type { TreeView } from "./tree_view.ts";

/** PATH_MAX without its NUL: no reader could create longer names. */
const NAME_MAX_BYTES = 4095;
/** Limit of remembered files with several names; beyond it, a file is packed once for each name. */
const REMEMBERED_MAX = 1_000_000;
const ITSELF = cString("");
const CAPABILITY = "security.capability";
const DECODER = new TextDecoder();

const TYPES: Readonly<Record<number, TarEntryType>> = {
  [S.IFREG]: "file",
  [S.IFDIR]: "directory",
  [S.IFLNK]: "symlink",
  [S.IFCHR]: "character",
  [S.IFBLK]: "block",
  [S.IFIFO]: "fifo",
};

/** A tree to pack. */
export interface PackSource {
  readonly view: TreeView;
  /** The file or directory to pack. The caller keeps it open meanwhile, and disposes of it. */
  readonly start: PinnedPath;
  /** Its name in the archive; undefined packs the content of a directory without the directory itself. */
  readonly name: ByteString | undefined;
  /** The path shown for the tree's root in errors. */
  readonly shownRoot?: ByteString;
  /** Also keeps what Docker omits: fractions of seconds, all extended attributes, holes. Default false. */
  readonly keepsAll?: boolean;
}

type Bytes = Generator<Uint8Array<ArrayBuffer>>;

/** A directory that is being packed. */
interface Frame {
  readonly path: ByteString;
  /** Prefix of its entries' names in the archive. */
  readonly prefix: ByteString;
  readonly names: readonly ByteString[];
  next: number;
}

/**
 * Yields the archive in chunks, which the caller owns. Entries that are removed meanwhile are skipped.
 * @throws {SysError} for unreadable files
 * @throws {TsdError} archive_invalid for a path that is too long for a tar
 */
export function* packTree(
  { view, start, name, shownRoot = "", keepsAll = false }: PackSource,
  calls: ArchiveCalls = ARCHIVE_CALLS,
): Bytes {
  const packer = new Packer(view, { shownRoot, keepsAll }, calls);
  if (name !== undefined) yield* packer.entry(start, start.isDir ? `${name}/` : name);
  if (start.isDir) yield* packer.content(start, name === undefined ? "" : `${name}/`);
  yield* packer.end();
}

class Packer {
  readonly #view: TreeView;
  readonly #shownRoot: ByteString;
  readonly #keepsAll: boolean;
  readonly #calls: ArchiveCalls;
  readonly #chunks = new Chunks();
  /** The first name of files with several names, by device and inode. */
  readonly #firstNames = new Map<string, ByteString>();

  constructor(
    view: TreeView,
    { shownRoot, keepsAll }: Required<Pick<PackSource, "shownRoot" | "keepsAll">>,
    calls: ArchiveCalls,
  ) {
    this.#view = view;
    this.#keepsAll = keepsAll;
    this.#shownRoot = shownRoot;
    this.#calls = calls;
  }

  /** Packs the content of a directory, recursively. */
  *content(start: PinnedPath, prefix: ByteString): Bytes {
    const frames = [this.#frame(start, prefix)];
    let dir: PinnedPath | undefined;
    try {
      for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
        dir ??= this.#view.at(frame.path);
        const name = dir?.isDir ? frame.names[frame.next++] : undefined;
        if (dir === undefined || name === undefined) {
          frames.pop();
          dir?.[Symbol.dispose]();
          dir = undefined;
          continue;
        }
        const child = this.#view.child(dir, name);
        if (child === undefined) continue;
        using scope = new DisposableStack();
        scope.use(child);
        const isDir = child.isDir;
        const packed = frame.prefix + (isDir ? `${name}/` : name);
        yield* this.entry(child, packed);
        if (!isDir) continue;
        frames.push(this.#frame(child, packed));
        dir[Symbol.dispose]();
        dir = child;
        scope.move();
      }
    } finally {
      dir?.[Symbol.dispose]();
    }
  }

  /** Packs one entry: a header, and a file's data. */
  *entry(pinned: PinnedPath, name: ByteString): Bytes {
    const type = TYPES[pinned.type];
    if (type === undefined) return;
    if (name.length > NAME_MAX_BYTES) {
      throw new TsdError("archive_invalid", `Cannot pack ${quoted(pinned.path)}: its path is too long for a tar`);
    }
    const first = this.#firstNameOf(pinned, name);
    if (first !== undefined) {
      yield* this.#chunks.put(encodeHeader({ ...this.#header(pinned, name, "link"), linkPath: first }));
    } else if (type === "file") yield* this.#file(pinned, name);
    else {
      const linkPath = type === "symlink" ? byteStringOf(this.#calls.readlinkat(pinned.fd, ITSELF)) : "";
      const xattrs = pinned.isDir ? this.#dirXattrs(pinned) : NO_XATTRS;
      yield* this.#chunks.put(encodeHeader({ ...this.#header(pinned, name, type), linkPath, xattrs }));
    }
  }

  *end(): Bytes {
    yield* this.#chunks.put(END_OF_TAR);
    yield* this.#chunks.rest();
  }

  #frame(dir: PinnedPath, prefix: ByteString): Frame {
    const fd = this.#opening(dir, () => this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY));
    using open = new OwnedFd(fd, this.#calls);
    const names = this.#calls.readDir(open.fd).map(({ name }) => name);
    return { path: dir.path, prefix, names: names.sort((a, b) => a < b ? -1 : 1), next: 0 };
  }

  /** Returns the name under which this file was already packed. Remembers the name of a file with several names. */
  #firstNameOf({ status, isDir }: PinnedPath, name: ByteString): ByteString | undefined {
    if (isDir || status.linkCount < 2) return undefined;
    const key = `${status.device.major}:${status.device.minor}:${status.inode}`;
    const first = this.#firstNames.get(key);
    if (first === undefined && this.#firstNames.size < REMEMBERED_MAX) this.#firstNames.set(key, name);
    return first;
  }

  *#file(pinned: PinnedPath, name: ByteString): Bytes {
    const path = cString(pinned.handle.procPath);
    using open = new OwnedFd(this.#opening(pinned, () => this.#calls.open(path, O.RDONLY | O.NONBLOCK)), this.#calls);
    const status = this.#calls.statx(open.fd, ITSELF, AT.EMPTY_PATH);
    const { sizeBytes } = status;
    const header = { ...this.#header(pinned, name, "file"), sizeBytes, xattrs: this.#xattrs(open) };
    const extents = this.#keepsAll ? sparseExtents(open, status, this.#calls) : undefined;
    yield* this.#chunks.put(extents === undefined ? encodeHeader(header) : encodeSparseHeader(header, extents));
    let storedBytes = 0;
    for (const extent of extents ?? [{ offset: 0, length: sizeBytes }]) {
      yield* this.#data(open, extent);
      storedBytes += extent.length;
    }
    yield* this.#chunks.put(new Uint8Array(paddingOf(storedBytes)));
  }

  *#data(file: OwnedFd, { offset, length }: SparseExtent): Bytes {
    let isAtEnd = false;
    for (let done = 0; done < length;) {
      const room = this.#chunks.room(length - done);
      const count: number = isAtEnd ? 0 : this.#calls.pread(file.fd, room, offset + done);
      isAtEnd = count === 0;
      const filled = isAtEnd ? room.length : count;
      done += filled;
      yield* this.#chunks.filled(filled);
    }
  }

  /** Adds the path to the error of a file that can't be opened. */
  #opening({ path }: PinnedPath, open: () => number): number {
    try {
      return open();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      const shownPath = DECODER.decode(bytesOf(absolute(this.#shownRoot + path)));
      throw new TsdError(thrown.code, `open ${shownPath}: ${thrown.reason}`, { cause: thrown });
    }
  }

  #header({ status }: PinnedPath, path: ByteString, type: TarEntryType) {
    const { mode, uid, gid, modifyTime, nodeDevice } = status;
    return tarHeader({
      path,
      type,
      mode: mode & 0o7777,
      uid,
      gid,
      mtimeSeconds: Number(modifyTime.seconds),
      mtimeNanos: this.#keepsAll ? modifyTime.nanoseconds : 0,
      deviceMajor: nodeDevice.major,
      deviceMinor: nodeDevice.minor,
    });
  }

  #dirXattrs(dir: PinnedPath): ReadonlyMap<ByteString, Uint8Array> {
    if (!this.#keepsAll) return NO_XATTRS;
    using open = new OwnedFd(this.#calls.openat(dir.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    return this.#xattrs(open);
  }

  /** Reads extended attributes; none if the file system doesn't support them. */
  #xattrs(file: OwnedFd): ReadonlyMap<ByteString, Uint8Array> {
    try {
      const names = this.#keepsAll ? portableXattrs(this.#calls.flistxattr(file.fd)) : [CAPABILITY];
      const found = names.flatMap((name): [ByteString, Uint8Array][] => {
        const value = this.#calls.fgetxattr(file.fd, cString(name));
        if (value === undefined) return [];
        return [[byteStringFromText(name), name === CAPABILITY ? withoutNamespace(value) : value]];
      });
      return found.length === 0 ? NO_XATTRS : new Map(found);
    } catch (thrown) {
      if (isErrno(thrown, "EOPNOTSUPP")) return NO_XATTRS;
      throw thrown;
    }
  }
}

/** Readers reject larger maps. */
const EXTENTS_MAX = 20_000;

/** Returns the data extents of a file with holes; undefined if it has none, or too many. */
function sparseExtents(
  file: OwnedFd,
  { sizeBytes, blocks }: FileStatus,
  calls: ArchiveCalls,
): SparseExtent[] | undefined {
  if (blocks * 512 >= sizeBytes) return undefined;
  const extents: SparseExtent[] = [];
  for (const extent of dataExtents(file.fd, sizeBytes, calls)) {
    if (extents.push(extent) > EXTENTS_MAX) return undefined;
  }
  return extents.length === 1 && extents[0]!.length === sizeBytes ? undefined : extents;
}

/**
 * Removes the user namespace from a capability of revision 3: it has no meaning on another machine (capabilities(7)).
 */
function withoutNamespace(value: Uint8Array): Uint8Array {
  const isRevision3 = value.length > 20 && value[3] === 3;
  return isRevision3 ? Uint8Array.from(value.subarray(0, 20), (byte, at) => at === 3 ? 2 : byte) : value;
}
