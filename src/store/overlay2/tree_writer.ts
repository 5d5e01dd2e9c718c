/**
 * Applies the steps of a {@link LayerTree} on disk. Names are resolved relative to directory descriptors that were
 * opened without following links; files are always created with O_EXCL, so that no existing file is ever written to.
 */
import { FileData } from "../../archive/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { AT, cBytes, type CString, cString, O, S, type Timespec } from "../../sys/mod.ts";
import type {
  Attributes,
  DirectoryNode,
  FileNode,
  LayerNode,
  LayerTree,
  SpecialNode,
  TreeChange,
  TreeStep,
} from "../layer_tree.ts";
import { DirectoryCache } from "./directory_cache.ts";
import type { LayerCalls } from "./tree_calls.ts";

const OPAQUE_NAME = cString("trusted.overlay.opaque");
const OPAQUE_VALUE = new TextEncoder().encode("y");
/** Not accessible by others until it is complete. */
const INCOMPLETE_FILE = 0o600;
const INCOMPLETE_DIR = 0o700;

/** The file whose data is being written. */
interface OpenFile {
  readonly node: FileNode;
  readonly fd: number;
  readonly data: FileData;
}

export class TreeWriter implements Disposable {
  readonly #calls: LayerCalls;
  readonly #rootFd: number;
  readonly #dirs: DirectoryCache;
  /** Creates the directory for replaced files when it is first needed; returns its descriptor. */
  readonly #shadows: () => number;
  #file: OpenFile | undefined;

  /**
   * @param rootFd the empty directory that becomes the tree; the caller keeps it, like the one that `shadows` returns
   */
  constructor(calls: LayerCalls, rootFd: number, shadows: () => number) {
    this.#calls = calls;
    this.#rootFd = rootFd;
    this.#dirs = new DirectoryCache(calls, rootFd);
    this.#shadows = shadows;
  }

  /** Applies a change; the data of its file follows through {@link write}. @throws {SysError} */
  apply(change: TreeChange): void {
    for (const step of change.steps) this.#run(step);
    if (this.#file?.data.isWhole) this.#finishFile(this.#file);
  }

  /** Writes the next part of the last file's data. @throws {SysError} */
  write(bytes: Uint8Array): void {
    const file = this.#file!;
    file.data.write(bytes);
    if (file.data.isWhole) this.#finishFile(file);
  }

  /** Sets the attributes of all directories; called once, after the last entry. @throws {SysError} */
  finish(tree: LayerTree): void {
    for (const dir of tree.dirsUpwards()) this.#finishDir(dir);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) this.#calls.close(this.#file.fd);
    this.#file = undefined;
    this.#dirs[Symbol.dispose]();
  }

  #run(step: TreeStep): void {
    switch (step.do) {
      case "create":
        return this.#create(step.node);
      case "remove":
        return this.#remove(step.parent, step.name, step.node);
      case "link": {
        const fromFd = this.#dirs.fdOf(step.targetParent);
        const toFd = this.#dirs.fdOf(step.parent);
        return this.#calls.linkat(fromFd, cBytes(step.targetName), toFd, cBytes(step.name));
      }
    }
  }

  #create(node: LayerNode): void {
    const parentFd = this.#dirs.fdOf(node.parent!);
    const name = cBytes(node.name);
    switch (node.kind) {
      case "directory":
        return this.#calls.mkdirat(parentFd, name, INCOMPLETE_DIR);
      case "file":
        return this.#openFile(node, parentFd, name);
      case "symlink":
        this.#calls.symlinkat(cBytes(node.target), parentFd, name);
        return this.#finishUnopened(node, parentFd, name);
      default:
        return this.#createSpecial(node, parentFd, name);
    }
  }

  #createSpecial(node: SpecialNode, parentFd: number, name: CString): void {
    const { kind, major, minor } = node;
    // Overlayfs's representation of a whiteout (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque
    // directories").
    if (kind === "whiteout") return this.#calls.mknodat(parentFd, name, S.IFCHR);
    if (kind === "fifo") this.#calls.mkfifoat(parentFd, name, INCOMPLETE_FILE);
    else {
      const type = kind === "block" ? S.IFBLK : S.IFCHR;
      this.#calls.mknodat(parentFd, name, type | INCOMPLETE_FILE, { major, minor });
    }
    this.#finishUnopened(node, parentFd, name);
    // Follows links, but the name was just created, in a directory that no other process writes to.
    this.#calls.fchmodat(parentFd, name, node.mode);
  }

  #finishUnopened(node: LayerNode, parentFd: number, name: CString): void {
    const time = timeOf(node);
    this.#calls.fchownat(parentFd, name, node.uid, node.gid, AT.SYMLINK_NOFOLLOW);
    if (node.xattrs.size > 0) {
      const path = cBytes(`/proc/self/fd/${parentFd}/${node.name}`);
      for (const [key, value] of node.xattrs) this.#calls.lsetxattr(path, cBytes(key), value);
    }
    this.#calls.utimensat(parentFd, name, time, time, AT.SYMLINK_NOFOLLOW);
  }

  #openFile(node: FileNode, parentFd: number, name: CString): void {
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    const fd = this.#calls.openat(parentFd, name, flags, INCOMPLETE_FILE);
    this.#file = { node, fd, data: new FileData(this.#calls, fd, node) };
  }

  #finishFile(file: OpenFile): void {
    const { node, fd, data } = file;
    data.finish();
    this.#setAttributes(fd, node);
    this.#file = undefined;
    this.#calls.close(fd);
  }

  #finishDir(dir: DirectoryNode): void {
    const parentFd = dir.parent === null ? this.#rootFd : this.#dirs.fdOf(dir.parent);
    const name = dir.parent === null ? "." : dir.name;
    const fd = this.#calls.openat(parentFd, cBytes(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      this.#setAttributes(fd, dir);
      if (dir.isOpaque) {
        this.#calls.fsetxattr(fd, OPAQUE_NAME, OPAQUE_VALUE);
      }
    } finally {
      this.#calls.close(fd);
    }
  }

  /** The order matters: chown clears set-id bits and capabilities, and every change sets the times. */
  #setAttributes(fd: number, attributes: Attributes): void {
    this.#calls.fchown(fd, attributes.uid, attributes.gid);
    for (const [key, value] of attributes.xattrs) this.#calls.fsetxattr(fd, cBytes(key), value);
    this.#calls.fchmod(fd, attributes.mode);
    const time = timeOf(attributes);
    this.#calls.futimens(fd, time, time);
  }

  /** Removes a name. A file whose data is needed to rebuild the tar is moved aside, named by its entry's index. */
  #remove(parent: DirectoryNode, name: ByteString, node: LayerNode): void {
    if (node.kind === "directory") {
      for (const [childName, child] of node.children) this.#remove(node, childName, child);
      return this.#calls.unlinkat(this.#dirs.fdOf(parent), cBytes(name), AT.REMOVEDIR);
    }
    const parentFd = this.#dirs.fdOf(parent);
    const isFirstName = node.parent === parent && node.name === name;
    if (node.kind === "file" && isFirstName && node.storedBytes > 0) {
      this.#calls.renameat2(parentFd, cBytes(name), this.#shadows(), cString(String(node.entryIndex)));
    } else {
      this.#calls.unlinkat(parentFd, cBytes(name));
    }
  }
}

function timeOf({ mtimeSeconds, mtimeNanos }: Attributes): Timespec {
  return { seconds: BigInt(mtimeSeconds), nanoseconds: mtimeNanos };
}
