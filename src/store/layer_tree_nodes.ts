/**
 * The nodes of a {@link LayerTree}: what one layer says about its files. A node is an inode; a file with several hard
 * links is one node in several folders.
 */
import type { ByteString, SparseExtent, TarEntry } from "../tar/mod.ts";

/** Owner, mode, time and extended attributes, as the tar gives them. */
export interface Attributes {
  /** Permission bits, 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  /** Without those that overlayfs itself reads. */
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

/** What parents that the tar doesn't name get. */
const COMPLETED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0, xattrs: NO_XATTRS };

const EMPTY: ReadonlyMap<ByteString, LayerNode> = new Map();

abstract class Inode implements Attributes {
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Whether the layer also has a whiteout for this name: what lower layers have there is hidden. */
  hidesLower = false;

  /** `parent` and `name` are the node's first name; hard links to it stand in other folders under other names. */
  constructor(readonly parent: DirectoryNode | null, readonly name: ByteString, attributes: Attributes) {
    this.mode = attributes.mode;
    this.uid = attributes.uid;
    this.gid = attributes.gid;
    this.mtimeSeconds = attributes.mtimeSeconds;
    this.mtimeNanos = attributes.mtimeNanos;
    this.xattrs = attributes.xattrs;
  }
}

/** A folder. The root has no parent and an empty name. */
export class DirectoryNode extends Inode {
  readonly kind = "directory";
  #children: Map<ByteString, LayerNode> | undefined;
  /** Bytes in the folder's path below the root. */
  readonly pathBytes: number;
  /** The marker `.wh..wh..opq` stood in it. */
  hasOpaqueMarker = false;

  constructor(parent: DirectoryNode | null, name: ByteString, attributes: Attributes = COMPLETED) {
    super(parent, name, attributes);
    this.pathBytes = parent === null || parent.parent === null ? name.length : parent.pathBytes + 1 + name.length;
  }

  /** What stands in the folder, by name, in the order of first appearance. */
  get children(): ReadonlyMap<ByteString, LayerNode> {
    return this.#children ?? EMPTY;
  }

  /** Whether nothing of lower layers shows in this folder. */
  get isOpaque(): boolean {
    return this.hasOpaqueMarker || this.hidesLower;
  }

  /** For {@link LayerTree} only. */
  put(name: ByteString, node: LayerNode): void {
    (this.#children ??= new Map()).set(name, node);
  }
}

/** A regular file and where its data lies in the tar. */
export class FileNode extends Inode {
  readonly kind = "file";
  /** Number of the entry that brought the data. */
  readonly entryIndex: number;
  /** As a reader sees it, holes included. */
  readonly sizeBytes: number;
  readonly dataOffset: number;
  readonly storedBytes: number;
  readonly sparse: readonly SparseExtent[] | undefined;
  /** Names that the file has now. */
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

/** A device, a FIFO, or a whiteout: all that `mknod` makes. */
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

/** One thing that a writer has to do, in order. Folders' attributes are read from the finished tree instead. */
export type TreeStep =
  /** A new inode under its `parent` and `name`. */
  | { readonly do: "create"; readonly node: LayerNode }
  /** `name` in `parent` becomes another name of `target`, which stands under `targetName` in `targetParent`. */
  | {
    readonly do: "link";
    readonly parent: DirectoryNode;
    readonly name: ByteString;
    readonly target: LayerNode;
    readonly targetParent: DirectoryNode;
    readonly targetName: ByteString;
  }
  /** `name` in `parent`, with all that is below it, goes away. */
  | {
    readonly do: "remove";
    readonly parent: DirectoryNode;
    readonly name: ByteString;
    readonly node: LayerNode;
  };

/** What an entry changes in its layer. */
export interface TreeChange {
  readonly steps: readonly TreeStep[];
  /** The new file that the entry's data belongs to; undefined: the data, if any, is no file's. */
  readonly file: FileNode | undefined;
}

/** The folder's path below the layer's root, without a leading slash; empty for the root. */
export function pathOf(dir: DirectoryNode): ByteString {
  if (dir.parent === null) return "";
  const names = [dir.name];
  for (let at = dir.parent; at.parent !== null; at = at.parent) names.push(at.name);
  return names.reverse().join("/");
}
