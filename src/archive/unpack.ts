/**
 * Unpacks a tar archive into a directory of a tree, entry by entry as it arrives. Files are always created (O_EXCL), so
 * that no existing file is ever written to; names are relative to pinned directories. An entry's attributes are set by
 * the descriptor of the file that was created.
 */
import { TsdError } from "../errors.ts";
import { cBytes, cString, isErrno, O, OwnedFd, S, SysError, type Timespec } from "../sys/mod.ts";
import { bytesOf, type ByteString, quoted, type TarEntry, type TarHeader } from "../tar/mod.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { EntryAttributes, type Owner, timeOf } from "./entry_attributes.ts";
import { namesOf, rejectEntry } from "./entry_rules.ts";
import { clean } from "./paths.ts";
import { FileData } from "./file_data.ts";
import { absolute, type PinnedPath } from "./pinned_path.ts";
import { removeTree } from "./remove_tree.ts";
import type { TreeView } from "./tree_view.ts";

/** How often an entry that another process creates meanwhile is removed again. */
const MAX_ATTEMPTS = 16;
/** Limit of directories whose times are set at the end; beyond it, the oldest one is completed early. */
const PENDING_MAX = 65_536;
const IMPLIED_MODE = 0o755;
const DECODER = new TextDecoder();

export interface UnpackOptions {
  /** Whether a file may replace a directory and a directory a file. */
  readonly mayReplaceDirs: boolean;
  readonly owner: Owner;
  /** Whether existing symbolic links are followed (inside the tree) or rejected. */
  readonly followLinks: boolean;
  /** Whether the caller is not subject to permissions. */
  readonly isRoot: boolean;
  /** Whether the target directory itself gets the attributes of the archive's `./`. Default false. */
  readonly setsDir?: boolean;
}

/** Where to unpack to. The caller disposes of both. */
export interface UnpackTarget {
  readonly view: TreeView;
  readonly dir: PinnedPath;
  /** The path shown for the tree's root in errors. */
  readonly shownRoot?: ByteString;
}

/** A directory whose time and final mode are set at the end, when nothing more is created in it. */
interface PendingDir {
  readonly mode: number;
  readonly time: Timespec;
}

/**
 * Unpacks entries: call `begin` with an entry and `write` with its data, for each entry; then `finish`. Dispose of it.
 */
export class Unpacker implements Disposable {
  readonly #view: TreeView;
  readonly #target: PinnedPath;
  readonly #shownRoot: ByteString;
  readonly #options: UnpackOptions;
  readonly #calls: ArchiveCalls;
  readonly #attributes: EntryAttributes;
  readonly #pending = new Map<ByteString, PendingDir>();
  /** The directory of the last entry: most often the next entry is in it too. */
  #parent: { readonly path: ByteString; readonly pinned: PinnedPath } | undefined;
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

  /**
   * Creates an entry.
   * @throws {TsdError} archive_invalid for an invalid entry, or one that would replace what must not be replaced;
   * storage_full, system_call
   */
  begin(entry: TarEntry): void {
    const names = namesOf(entry.path);
    const name = names.pop();
    if (name === undefined) {
      if (entry.type !== "directory") this.#refuseOverwrite("directory", this.#target.path);
      if (this.#options.setsDir) this.#withErrorPrefix(entry, () => this.#setDir(entry, this.#target));
      return;
    }
    this.#withErrorPrefix(entry, () => {
      const parent = this.#enter(names.join("/"));
      if (parent.mount.readOnly) throw SysError.named("open", "EROFS");
      this.#createOrMerge(entry, parent, name);
    });
    if (this.#file?.data.isWhole) this.#closeFile();
  }

  /** Writes the next piece of the last entry's data. @throws {TsdError} storage_full, system_call */
  write(bytes: Uint8Array): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#withErrorPrefix(file.entry, () => file.data.write(bytes));
    if (file.data.isWhole) this.#closeFile();
  }

  /** Sets the final attributes of directories. @throws {TsdError} system_call */
  finish(): void {
    for (const [path, dir] of this.#pending) this.#finishDir(path, dir);
    this.#pending.clear();
  }

  [Symbol.dispose](): void {
    this.#file?.fd.close();
    this.#forgetParent();
  }

  #createOrMerge(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    for (let attempt = 1;; attempt++) {
      try {
        if (this.#clear(entry, parent, name) === "merge") return this.#mergeDir(entry, parent, name);
        return this.#create(entry, parent, name);
      } catch (thrown) {
        if (!isErrno(thrown, "EEXIST") || attempt === MAX_ATTEMPTS) throw thrown;
      }
    }
  }

  /** Removes an existing entry, unless it is a directory to merge with. */
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
        // overlayfs uses this device as whiteout.
        if (device.major === 0 && device.minor === 0) rejectEntry(entry.path, "it is the device 0:0");
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
    this.#withErrorPrefix(entry, () => {
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

  /** Creates a hard link to a file of the archive or of the target directory. */
  #link(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    const names = namesOf(entry.linkPath, entry.path);
    const last = names.pop();
    if (last === undefined) rejectEntry(entry.path, "it is a hard link to the folder that it is unpacked to");
    using from = this.#resolve(names.join("/"));
    using target = this.#view.child(from, last);
    if (target === undefined) throw SysError.named("linkat", "ENOENT");
    // Also for mounts of one file system, as one of them may be read-only.
    if (target.mount !== parent.mount) throw SysError.named("linkat", "EXDEV");
    this.#calls.linkat(from.fd, cBytes(last), parent.fd, cBytes(name));
  }

  #mergeDir(entry: TarEntry, parent: PinnedPath, name: ByteString): void {
    using pinned = this.#view.child(parent, name);
    if (pinned === undefined || !pinned.isDir) throw SysError.named("mkdirat", "EEXIST");
    this.#setDir(entry, pinned);
  }

  #setDir(entry: TarEntry, pinned: PinnedPath): void {
    if (pinned.mount.readOnly) throw SysError.named("chmod", "EROFS");
    const mode = this.#attributes.modeOf(entry);
    using dir = new OwnedFd(this.#calls.openat(pinned.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
    this.#attributes.set(dir.fd, entry, this.#options.isRoot ? mode : mode | 0o700);
    this.#pending.delete(pinned.path);
    this.#pending.set(pinned.path, { mode, time: timeOf(entry) });
    if (this.#pending.size <= PENDING_MAX) return;
    const [[path, oldest]] = this.#pending as Iterable<[ByteString, PendingDir]>;
    this.#pending.delete(path);
    this.#finishDir(path, oldest);
  }

  /** Sets a directory's final attributes; skips one that was removed meanwhile. */
  #finishDir(path: ByteString, { mode, time }: PendingDir): void {
    using pinned = this.#view.at(path);
    if (pinned === undefined || !pinned.isDir) return;
    this.#withErrorPrefix({ path: path.slice(this.#target.path.length) }, () => {
      using dir = new OwnedFd(this.#calls.openat(pinned.fd, cString("."), O.RDONLY | O.DIRECTORY), this.#calls);
      this.#calls.futimens(dir.fd, time, time);
      if (!this.#options.isRoot) this.#calls.fchmod(dir.fd, mode);
    });
  }

  /** Returns an entry's parent directory and creates it if missing. It is valid until the next call. */
  #enter(path: ByteString): PinnedPath {
    if (this.#parent?.path === path) return this.#parent.pinned;
    this.#forgetParent();
    const pinned = this.#resolve(path, (dir, name) => this.#implied(dir, name));
    this.#parent = { path, pinned };
    return pinned;
  }

  #resolve(path: ByteString, missing?: (dir: PinnedPath, name: ByteString) => PinnedPath): PinnedPath {
    const link = this.#options.followLinks ? {} : { onLink: refuseLink };
    return this.#view.resolve(`${path}/.`.replace(/^\//, ""), {
      from: this.#target,
      ...link,
      ...(missing === undefined ? {} : { onMissing: missing }),
    });
  }

  #implied(dir: PinnedPath, name: ByteString): PinnedPath {
    if (dir.mount.readOnly) throw SysError.named("mkdirat", "EROFS");
    this.#calls.mkdirat(dir.fd, cBytes(name), IMPLIED_MODE);
    const created = this.#view.child(dir, name);
    if (created === undefined) throw SysError.named("mkdirat", "ENOENT");
    return created;
  }

  /** Forgets the cached parent if it is about to be removed. */
  #forgetParentIn(path: ByteString): void {
    const parentPath = this.#parent?.pinned.path;
    if (parentPath === path || parentPath?.startsWith(`${path}/`)) this.#forgetParent();
  }

  #forgetParent(): void {
    this.#parent?.pinned[Symbol.dispose]();
    this.#parent = undefined;
  }

  /** Throws with Docker's message. */
  #refuseOverwrite(existing: "directory" | "non-directory", path: ByteString): never {
    const other = existing === "directory" ? "non-directory" : "directory";
    const [one, all] = [path, this.#target.path].map((each) => quoted(absolute(this.#shownRoot + each)));
    throw new TsdError("archive_invalid", `cannot overwrite ${existing} ${one} with ${other} ${all}`);
  }

  /** Converts errors to Docker's form: `unlinkat /etc/hosts: device or resource busy`. */
  #withErrorPrefix({ path }: Pick<TarHeader, "path">, step: () => void): void {
    try {
      step();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      const shownPath = DECODER.decode(bytesOf(clean(`${this.#shownRoot}${this.#target.path}/${path}`)));
      throw new TsdError(thrown.code, `${verbOf(thrown.call)} ${shownPath}: ${thrown.reason}`, { cause: thrown });
    }
  }
}

/** Returns the name of a call without its `at` or `f` variants. */
const verbOf = (call: string): string =>
  call.replace(/^(open|mkdir|mknod|mkfifo|symlink|link)at2?$/, "$1").replace(/^f(ch|utim|setx)/, "$1");

function refuseLink(path: ByteString): never {
  throw new TsdError("archive_invalid", `Cannot unpack through ${quoted(path)}: it is a symbolic link`);
}
