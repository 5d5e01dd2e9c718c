/**
 * A tar into a folder of a tree, entry by entry as it comes. New files are always new (O_EXCL), so that nothing that exists
 * is ever written to; names are made relative to folders that are held open. What an entry says about itself is set by the
 * descriptor of the very thing that was made.
 */
import { TsdError } from "../errors.ts";
import { cBytes, cString, isErrno, O, OwnedFd, S, SysError, type Timespec } from "../sys/mod.ts";
import { bytesOf, type ByteString, quoted, type TarEntry, type TarHeader } from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { EntryAttributes, type Owner, timeOf } from "./entry_attributes.ts";
import { namesOf, refuseEntry } from "./entry_rules.ts";
import { clean } from "./paths.ts";
import { FileData } from "./file_data.ts";
import { absolute, type PinnedPath } from "./pinned_path.ts";
import { removeTree } from "./remove_tree.ts";
import type { TreeView } from "./tree_view.ts";

/** How often something that somebody else makes in the meantime is removed again. */
const TRIES = 16;
/** Folders whose times wait for the end; those that came first don't wait when there are more. */
const PENDING_MAX = 65_536;
const IMPLIED_MODE = 0o755;
const DECODER = new TextDecoder();

export interface UnpackOptions {
  /** Whether a file may take the place of a folder, and a folder that of a file. */
  readonly mayReplaceDirs: boolean;
  readonly owner: Owner;
  /** Whether links that are there already lead on (inside the tree), or are refused. */
  readonly followLinks: boolean;
  /** Whether no permissions keep the caller out. */
  readonly isRoot: boolean;
  /** Whether the folder that is unpacked to gets what the archive says of it (`./`). Default false. */
  readonly setsDir?: boolean;
}

/** Where to. Both stay the caller's. */
export interface UnpackTarget {
  readonly view: TreeView;
  readonly dir: PinnedPath;
  /** What stands for the tree's root in errors. */
  readonly shownRoot?: ByteString;
}

/** A folder that gets its last attributes at the end, when nothing is made in it any more. */
interface PendingDir {
  readonly mode: number;
  readonly time: Timespec;
}

/** Use: `begin` an entry, `write` its data, and so on; `finish` at the end. Dispose of it. */
export class Unpacker implements Disposable {
  readonly #view: TreeView;
  readonly #target: PinnedPath;
  readonly #shownRoot: ByteString;
  readonly #options: UnpackOptions;
  readonly #calls: ArchiveCalls;
  readonly #attributes: EntryAttributes;
  readonly #pending = new Map<ByteString, PendingDir>();
  /** The folder of the last entry: the next one is most often in it too. */
  #parent: { readonly path: ByteString; readonly place: PinnedPath } | undefined;
  #file: { readonly entry: TarEntry; readonly fd: OwnedFd; readonly data: FileData } | undefined;

  constructor(
    { view, dir, shownRoot = "" }: UnpackTarget,
    options: UnpackOptions,
    calls: ArchiveCalls = ARCHIVE_CALLS,
  ) {
    this.#view = view;
    this.#target = dir;
    this.#shownRoot = shownRoot;
    this.#options = options;
    this.#calls = calls;
    this.#attributes = new EntryAttributes(options.owner, calls);
  }

  /** @throws {TsdError} archive_invalid: what can't be, or would replace what may not be replaced; storage_full, system_call */
  begin(entry: TarEntry): void {
    const names = namesOf(entry.path);
    const name = names.pop();
    if (name === undefined) {
      if (entry.type !== "directory") this.#refuseOverwrite("directory", this.#target.path);
      if (this.#options.setsDir) this.#attempt(entry, () => this.#setDir(entry, this.#target));
      return;
    }
    this.#attempt(entry, () => {
      const parent = this.#enter(names.join("/"));
      if (parent.mount.readOnly) throw SysError.named("open", "EROFS");
      this.#make(entry, parent, name);
    });
    if (this.#file?.data.isWhole) this.#closeFile();
  }

  /** The next piece of the last entry's data. @throws {TsdError} storage_full, system_call */
  write(bytes: Uint8Array): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#attempt(file.entry, () => file.data.write(bytes));
    if (file.data.isWhole) this.#closeFile();
  }

  /** @throws {TsdError} system_call */
  finish(): void {
    for (const [path, dir] of this.#pending) this.#settle(path, dir);
    this.#pending.clear();
  }

  [Symbol.dispose](): void {
    this.#file?.fd.close();
    this.#forgetParent();
  }

  #make(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    for (let attempt = 1;; attempt++) {
      try {
        if (this.#clear(entry, parent, name) === "merge") return this.#mergeDir(entry, parent, name);
        return this.#create(entry, parent, name);
      } catch (thrown) {
        if (!isErrno(thrown, "EEXIST") || attempt === TRIES) throw thrown;
      }
    }
  }

  /** Takes away what is in the way. */
  #clear(entry: TarEntry, parent: PinnedPath, name: ByteString): "merge" | "free" {
    using existing = this.#view.child(parent, name);
    if (existing === undefined) return "free";
    const isDir = entry.type === "directory";
    if (existing.isDir && isDir) return "merge";
    if (!this.#options.mayReplaceDirs && existing.isDir !== isDir) {
      this.#refuseOverwrite(existing.isDir ? "directory" : "non-directory", existing.path);
    }
    if (this.#view.hasMountIn(existing.path)) throw SysError.named("unlinkat", "EBUSY");
    this.#forgetParentIn(existing.path);
    removeTree(parent.fd, name, this.#calls);
    return "free";
  }

  #create(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    const at = parent.fd;
    const file = cBytes(name);
    switch (entry.type) {
      case "directory":
        this.#calls.mkdirat(at, file, 0o700);
        return this.#mergeDir(entry, parent, name);
      case "file":
        return this.#openFile(entry, parent, name);
      case "link":
        return this.#link(entry, parent, name);
      case "symlink":
        this.#calls.symlinkat(cBytes(entry.linkPath), at, file);
        return this.#attributes.setOnLink(parent, name, entry);
      case "fifo":
        this.#calls.mkfifoat(at, file, 0o600);
        return this.#finishNode(entry, parent, name, S.IFIFO);
      default: {
        const device = { major: entry.deviceMajor, minor: entry.deviceMinor };
        // What overlayfs takes for "not there".
        if (device.major === 0 && device.minor === 0) refuseEntry(entry.path, "it is the device 0:0");
        const type = entry.type === "block" ? S.IFBLK : S.IFCHR;
        this.#calls.mknodat(at, file, type | 0o600, device);
        this.#finishNode(entry, parent, name, type);
      }
    }
  }

  #openFile(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    const fd = new OwnedFd(this.#calls.openat(parent.fd, cBytes(name), flags, 0o600), this.#calls);
    this.#file = { entry, fd, data: new FileData(this.#calls, fd.fd, entry) };
  }

  #closeFile(): void {
    const { entry, fd, data } = this.#file!;
    this.#file = undefined;
    using file = fd;
    this.#attempt(entry, () => {
      data.finish();
      this.#attributes.set(file.fd, entry, this.#attributes.modeOf(entry));
      const time = timeOf(entry);
      this.#calls.futimens(file.fd, time, time);
    });
  }

  #finishNode(entry: TarEntry, parent: PinnedPath, name: ByteString, type: number): void {
    using node = this.#view.child(parent, name);
    if (node === undefined || node.type !== type) throw SysError.named("mknodat", "EEXIST");
    this.#attributes.setOnNode(node, entry);
  }

  /** A second name for what the archive, or the folder, has under another one. */
  #link(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    const names = namesOf(entry.linkPath, entry.path);
    const last = names.pop();
    if (last === undefined) refuseEntry(entry.path, "it is a hard link to the folder that it is unpacked to");
    using from = this.#resolve(names.join("/"));
    using target = this.#view.child(from, last);
    if (target === undefined) throw SysError.named("linkat", "ENOENT");
    // Also between trees of one file system: one of them may be there to be read only.
    if (target.mount !== parent.mount) throw SysError.named("linkat", "EXDEV");
    this.#calls.linkat(from.fd, cBytes(last), parent.fd, cBytes(name));
  }

  #mergeDir(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    using place = this.#view.child(parent, name);
    if (place === undefined || !place.isDir) throw SysError.named("mkdirat", "EEXIST");
    this.#setDir(entry, place);
  }

  #setDir(entry: TarEntry, place: PinnedPath): void {
    if (place.mount.readOnly) throw SysError.named("chmod", "EROFS");
    const mode = this.#attributes.modeOf(entry);
    using dir = new OwnedFd(this.#calls.openat(place.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    this.#attributes.set(dir.fd, entry, this.#options.isRoot ? mode : mode | 0o700);
    this.#pending.delete(place.path);
    this.#pending.set(place.path, { mode, time: timeOf(entry) });
    if (this.#pending.size <= PENDING_MAX) return;
    const [[path, oldest]] = this.#pending as Iterable<[ByteString, PendingDir]>;
    this.#pending.delete(path);
    this.#settle(path, oldest);
  }

  /** A folder that somebody has taken away meanwhile needs nothing any more. */
  #settle(path: ByteString, { mode, time }: PendingDir): void {
    using place = this.#view.at(path);
    if (place === undefined || !place.isDir) return;
    this.#attempt({ path: path.slice(this.#target.path.length) }, () => {
      using dir = new OwnedFd(this.#calls.openat(place.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
      this.#calls.futimens(dir.fd, time, time);
      if (!this.#options.isRoot) this.#calls.fchmod(dir.fd, mode);
    });
  }

  /** The folder of an entry, made where it is missing. It holds until the next one is asked for. */
  #enter(path: ByteString): PinnedPath {
    if (this.#parent?.path === path) return this.#parent.place;
    this.#forgetParent();
    const place = this.#resolve(path, (dir, name) => this.#implied(dir, name));
    this.#parent = { path, place };
    return place;
  }

  #resolve(path: ByteString, missing?: (dir: PinnedPath, name: ByteString) => PinnedPath): PinnedPath {
    const link = this.#options.followLinks ? {} : { link: refuseLink };
    return this.#view.resolve(`${path}/.`.replace(/^\//, ""), {
      from: this.#target,
      ...link,
      ...(missing === undefined ? {} : { missing }),
    });
  }

  #implied(dir: PinnedPath, name: ByteString): PinnedPath {
    if (dir.mount.readOnly) throw SysError.named("mkdirat", "EROFS");
    this.#calls.mkdirat(dir.fd, cBytes(name), IMPLIED_MODE);
    const made = this.#view.child(dir, name);
    if (made === undefined) throw SysError.named("mkdirat", "ENOENT");
    return made;
  }

  /** What is removed and made again isn't the folder that is held open. */
  #forgetParentIn(path: ByteString): void {
    const held = this.#parent?.place.path;
    if (held === path || held?.startsWith(`${path}/`)) this.#forgetParent();
  }

  #forgetParent(): void {
    this.#parent?.place[Symbol.dispose]();
    this.#parent = undefined;
  }

  /** Docker's texts. */
  #refuseOverwrite(existing: "directory" | "non-directory", path: ByteString): never {
    const other = existing === "directory" ? "non-directory" : "directory";
    const [one, all] = [path, this.#target.path].map((each) => quoted(absolute(this.#shownRoot + each)));
    throw new TsdError("archive_invalid", `cannot overwrite ${existing} ${one} with ${other} ${all}`);
  }

  /** Failures in Docker's words: `unlinkat /etc/hosts: device or resource busy`. */
  #attempt({ path }: Pick<TarHeader, "path">, step: () => void): void {
    try {
      step();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      const where = DECODER.decode(bytesOf(clean(`${this.#shownRoot}${this.#target.path}/${path}`)));
      throw new TsdError(thrown.code, `${verbOf(thrown.call)} ${where}: ${thrown.reason}`, { cause: thrown });
    }
  }
}

/** A call without what says how its file is named. */
const verbOf = (call: string): string =>
  call.replace(/^(open|mkdir|mknod|mkfifo|symlink|link)at2?$/, "$1").replace(/^f(ch|utim|setx)/, "$1");

function refuseLink(path: ByteString): never {
  throw new TsdError("archive_invalid", `Cannot unpack through ${quoted(path)}: it is a symbolic link`);
}
