/**
 * The nodes of a {@link LayerTree}, which describe a layer's files. A node is an inode; a file with several hard links
 * is one node in several directories.
 */
import type { ByteString, SparseExtent, TarEntry } from "../tar/mod.ts";

/** Owner, mode, time and xattrs from the tar. */
export interface Attributes {
  /** Permission bits, 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  /** Without those that overlayfs interprets. */
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

/** Attributes of parent directories that have no entry in the tar. */
const COMPLETED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0, xattrs: NO_XATTRS };

const EMPTY: ReadonlyMap<ByteString, LayerNode> = new Map();

abstract class Inode implements Attributes {
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Whether the layer also has a whiteout for this name, which hides it in lower layers. */
  hidesLower = false;

  /**
   * @param parent directory of the node's first name; hard links may be in other directories
   * @param name the node's first name
   */
  constructor(readonly parent: DirectoryNode | null, readonly name: ByteString, attributes: Attributes) {
    this.mode = attributes.mode;
    this.uid = attributes.uid;
    this.gid = attributes.gid;
    this.mtimeSeconds = attributes.mtimeSeconds;
    this.mtimeNanos = attributes.mtimeNanos;
    this.xattrs = attributes.xattrs;
  }
}

/** A directory. The root has no parent and an empty name. */
export class DirectoryNode extends Inode {
  readonly kind = "directory";
  #children: Map<ByteString, LayerNode> | undefined;
  /** Length of the directory's path below the root, in bytes. */
  readonly pathBytes: number;
  /** Whether the directory contains the marker `.wh..wh..opq`. */
  hasOpaqueMarker = false;

  constructor(parent: DirectoryNode | null, name: ByteString, attributes: Attributes = COMPLETED) {
    super(parent, name, attributes);
    this.pathBytes = parent === null || parent.parent === null ? name.length : parent.pathBytes + 1 + name.length;
  }

  /** The directory's entries by name, in order of first appearance. */
  get children(): ReadonlyMap<ByteString, LayerNode> {
    return this.#children ?? EMPTY;
  }

  /** Whether the directory hides those of lower layers completely. */
  get isOpaque(): boolean {
    return this.hasOpaqueMarker || this.hidesLower;
  }

  /** For {@link LayerTree} only. */
  put(name: ByteString, node: LayerNode): void {
    (this.#children ??= new Map()).set(name, node);
  }
}

/** A regular file and the location of its data in the tar. */
export class FileNode extends Inode {
  readonly kind = "file";
  /** Index of the entry with the data. */
  readonly entryIndex: number;
  /** Logical size, including holes. */
  readonly sizeBytes: number;
  readonly dataOffset: number;
  readonly storedBytes: number;
  readonly sparse: readonly SparseExtent[] | undefined;
  /** Number of names that the file has. */
  links = 1;

  constructor(parent: DirectoryNode, name: ByteString, attributes: Attributes, entry: TarEntry) {
    super(parent, name, attributes);
    this.entryIndex = entry.index;
    this.sizeBytes = entry.sizeBytes;
    this.dataOffset = entry.dataOffset;
    this.storedBytes = entry.storedBytes;
    this.sparse = entry.sparse;
  }
}

/** A symbolic link. */
export class SymlinkNode extends Inode {
  readonly kind = "symlink";
  links = 1;

  constructor(parent: DirectoryNode, name: ByteString, attributes: Attributes, readonly target: ByteString) {
    super(parent, name, attributes);
  }
}

/** A device, a FIFO or a whiteout: a node that mknod(2) creates. */
export class SpecialNode extends Inode {
  links = 1;

  constructor(
    parent: DirectoryNode,
    name: ByteString,
    attributes: Attributes,
    readonly kind: "character" | "block" | "fifo" | "whiteout",
    readonly major = 0,
    readonly minor = 0,
  ) {
    super(parent, name, attributes);
  }
}

export type LayerNode = DirectoryNode | FileNode | SymlinkNode | SpecialNode;

/** A step for a writer; steps are applied in order. Directory attributes are read from the complete tree instead. */
export type TreeStep =
  /** Creates an inode under its `parent` and `name`. */
  | { readonly do: "create"; readonly node: LayerNode }
  /** Adds `name` in `parent` as a hard link to `target`, which has the name `targetName` in `targetParent`. */
  | {
    readonly do: "link";
    readonly parent: DirectoryNode;
    readonly name: ByteString;
    readonly target: LayerNode;
    readonly targetParent: DirectoryNode;
    readonly targetName: ByteString;
  }
  /** Removes `name` from `parent`, with everything below it. */
  | {
    readonly do: "remove";
    readonly parent: DirectoryNode;
    readonly name: ByteString;
    readonly node: LayerNode;
  };

/** The changes that an entry makes to its layer. */
export interface TreeChange {
  readonly steps: readonly TreeStep[];
  /** The new file that the entry's data belongs to, or undefined if the data, if any, belongs to no file. */
  readonly file: FileNode | undefined;
}

/** The directory's path below the layer's root, without a leading slash; empty for the root. */
export function pathOf(dir: DirectoryNode): ByteString {
  if (dir.parent === null) return "";
  const names = [dir.name];
  for (let at = dir.parent; at.parent !== null; at = at.parent) names.push(at.name);
  return names.reverse().join("/");
}
