/**
 * A tree of files as a tar, made while it is read. One folder and one file are open at a time, however deep the tree is;
 * nothing but a regular file is ever opened for reading, and that by the descriptor that it was looked at with.
 *
 * As Docker does it: names in the order of their bytes, whole seconds, of extended attributes only capabilities, second
 * names of a file as hard links, no sockets. A file that shrinks while it is read is filled up with zeros.
 */
import { TsdError } from "../errors.ts";
import { AT, cBytes, cString, isErrno, O, OwnedFd, S, SysError } from "../sys/mod.ts";
import {
  bytesOf,
  type ByteString,
  byteStringOf,
  encodeHeader,
  END_OF_TAR,
  NO_XATTRS,
  paddingOf,
  quoted,
  type TarEntryType,
  tarHeader,
} from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { Chunks } from "./chunks.ts";
import { absolute, type Place } from "./place.ts";
import type { TreeView } from "./tree_view.ts";

/** Longer names can't be read back by anybody (PATH_MAX). */
const NAME_MAX_BYTES = 4095;
/** Files with several names that are remembered: later ones are packed once for each name. */
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

/** What is packed. */
export interface PackSource {
  readonly view: TreeView;
  /** Stays the caller's, and has to stay open. */
  readonly start: Place;
  /** What it is called in the archive; undefined: what is in the folder is packed, without the folder itself. */
  readonly name: ByteString | undefined;
  /** What stands for the tree's root in errors. */
  readonly shownRoot?: ByteString;
}

type Bytes = Generator<Uint8Array<ArrayBuffer>>;

/** A folder in the middle of being packed. */
interface Frame {
  readonly path: ByteString;
  /** In front of the names in it, in the archive. */
  readonly prefix: ByteString;
  readonly names: readonly ByteString[];
  next: number;
}

/**
 * The archive in chunks that the caller owns. What goes away meanwhile is left out.
 * @throws {SysError} what can't be read; {TsdError} archive_invalid: a path that no tar can hold
 */
export function* packTree(
  { view, start, name, shownRoot = "" }: PackSource,
  calls: ArchiveCalls = ARCHIVE_CALLS,
): Bytes {
  const packer = new Packer(view, shownRoot, calls);
  if (name !== undefined) yield* packer.entry(start, start.isFolder ? `${name}/` : name);
  if (start.isFolder) yield* packer.content(start, name === undefined ? "" : `${name}/`);
  yield* packer.end();
}

class Packer {
  readonly #view: TreeView;
  readonly #shownRoot: ByteString;
  readonly #calls: ArchiveCalls;
  readonly #chunks = new Chunks();
  /** First names of files that have several, by device and inode. */
  readonly #firstNames = new Map<string, ByteString>();

  constructor(view: TreeView, shownRoot: ByteString, calls: ArchiveCalls) {
    this.#view = view;
    this.#shownRoot = shownRoot;
    this.#calls = calls;
  }

  /** All that is in a folder, down to the ground. */
  *content(start: Place, prefix: ByteString): Bytes {
    const frames = [this.#frame(start, prefix)];
    let folder: Place | undefined;
    try {
      for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
        folder ??= this.#view.at(frame.path);
        const name = folder?.isFolder ? frame.names[frame.next++] : undefined;
        if (folder === undefined || name === undefined) {
          frames.pop();
          folder?.[Symbol.dispose]();
          folder = undefined;
          continue;
        }
        const child = this.#view.child(folder, name);
        if (child === undefined) continue;
        using scope = new DisposableStack();
        scope.use(child);
        const isFolder = child.isFolder;
        const packed = frame.prefix + (isFolder ? `${name}/` : name);
        yield* this.entry(child, packed);
        if (!isFolder) continue;
        frames.push(this.#frame(child, packed));
        folder[Symbol.dispose]();
        folder = child;
        scope.move();
      }
    } finally {
      folder?.[Symbol.dispose]();
    }
  }

  /** One header, with the data of a file. */
  *entry(place: Place, name: ByteString): Bytes {
    const type = TYPES[place.type];
    if (type === undefined) return;
    if (name.length > NAME_MAX_BYTES) {
      throw new TsdError("archive_invalid", `Cannot pack ${quoted(place.path)}: its path is too long for a tar`);
    }
    const first = this.#firstNameOf(place, name);
    if (first !== undefined) {
      yield* this.#chunks.put(encodeHeader({ ...this.#header(place, name, "link"), linkPath: first }));
    } else if (type === "file") yield* this.#file(place, name);
    else {
      const linkPath = type === "symlink" ? byteStringOf(this.#calls.readlinkat(place.fd, ITSELF)) : "";
      yield* this.#chunks.put(encodeHeader({ ...this.#header(place, name, type), linkPath }));
    }
  }

  *end(): Bytes {
    yield* this.#chunks.put(END_OF_TAR);
    yield* this.#chunks.rest();
  }

  #frame(folder: Place, prefix: ByteString): Frame {
    const fd = this.#opening(folder, () => this.#calls.openat(folder.fd, cString("."), O.RDONLY | O.DIRECTORY));
    using open = new OwnedFd(fd, this.#calls);
    const names = this.#calls.readFolder(open.fd).map(({ name }) => name);
    return { path: folder.path, prefix, names: names.sort((a, b) => a < b ? -1 : 1), next: 0 };
  }

  /** The name under which this very file was packed before; remembers this one if it is the first of several. */
  #firstNameOf({ status, isFolder }: Place, name: ByteString): ByteString | undefined {
    if (isFolder || status.linkCount < 2) return undefined;
    const key = `${status.device.major}:${status.device.minor}:${status.inode}`;
    const first = this.#firstNames.get(key);
    if (first === undefined && this.#firstNames.size < REMEMBERED_MAX) this.#firstNames.set(key, name);
    return first;
  }

  *#file(place: Place, name: ByteString): Bytes {
    const path = cString(place.handle.procPath);
    using open = new OwnedFd(this.#opening(place, () => this.#calls.open(path, O.RDONLY | O.NONBLOCK)), this.#calls);
    const { sizeBytes } = this.#calls.statx(open.fd, ITSELF, AT.EMPTY_PATH);
    yield* this.#chunks.put(
      encodeHeader({ ...this.#header(place, name, "file"), sizeBytes, xattrs: this.#xattrs(open) }),
    );
    let isAtEnd = false;
    for (let left = sizeBytes; left > 0;) {
      const room = this.#chunks.room(left);
      const count: number | "again" = isAtEnd ? 0 : this.#calls.read(open.fd, room);
      isAtEnd = count === 0 || count === "again";
      const filled: number = count === 0 || count === "again" ? room.length : count;
      left -= filled;
      yield* this.#chunks.filled(filled);
    }
    yield* this.#chunks.put(new Uint8Array(paddingOf(sizeBytes)));
  }

  /** What can't be opened is named. */
  #opening({ path }: Place, open: () => number): number {
    try {
      return open();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      const where = DECODER.decode(bytesOf(absolute(this.#shownRoot + path)));
      throw new TsdError(thrown.code, `open ${where}: ${thrown.reason}`, { cause: thrown });
    }
  }

  #header({ status }: Place, path: ByteString, type: TarEntryType) {
    const { mode, uid, gid, modifyTime, nodeDevice } = status;
    return tarHeader({
      path,
      type,
      mode: mode & 0o7777,
      uid,
      gid,
      mtimeSeconds: Number(modifyTime.seconds),
      deviceMajor: nodeDevice.major,
      deviceMinor: nodeDevice.minor,
    });
  }

  /** File systems without extended attributes have none. */
  #xattrs(file: OwnedFd): ReadonlyMap<ByteString, Uint8Array> {
    try {
      const value = this.#calls.fgetxattr(file.fd, cBytes(CAPABILITY));
      return value === undefined ? NO_XATTRS : new Map([[CAPABILITY, withoutNamespace(value)]]);
    } catch (thrown) {
      if (isErrno(thrown, "EOPNOTSUPP")) return NO_XATTRS;
      throw thrown;
    }
  }
}

/** The user namespace that a capability of revision 3 is for means nothing anywhere else (capabilities(7)). */
function withoutNamespace(value: Uint8Array): Uint8Array {
  const isRevision3 = value.length > 20 && value[3] === 3;
  return isRevision3 ? Uint8Array.from(value.subarray(0, 20), (byte, at) => at === 3 ? 2 : byte) : value;
}
