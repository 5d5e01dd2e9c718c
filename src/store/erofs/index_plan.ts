/**
 * The layout of an index: inodes in pre-order from the root, then directory entries and symlink targets, and last the
 * chunks of sparse files that hold data.
 */
import { TsdError } from "../../errors.ts";
import type { ByteString, SparseExtent } from "../../tar/mod.ts";
import type { DirectoryNode, FileNode, LayerNode, LayerTree } from "../layer_tree.ts";
import {
  BLOCK_BITS,
  BLOCK_BYTES,
  CHUNK_BITS_MAX,
  CHUNK_INDEX_BYTES,
  directoryBytes,
  encodeXattrs,
  INODE_BYTES,
  META_BLOCK,
  NULL_ADDRESS,
  ROOT_NID,
  SLOT_BYTES,
} from "./format.ts";

const OPAQUE: readonly [ByteString, Uint8Array] = ["trusted.overlay.opaque", new TextEncoder().encode("y")];
/** Approximate maximum number of chunks of a sparse file: each takes eight bytes of the index. */
const CHUNKS_MAX = 1 << 16;
/** Chunks of sparse files are at least a page. */
const SPARSE_CHUNK_BITS_MIN = 12 - BLOCK_BITS;

/** Maximum size of a file: a plain file is a single chunk. */
const FILE_MAX_BYTES = BLOCK_BYTES * 2 ** CHUNK_BITS_MAX;

/** The location of an inode and its data. */
export interface Place {
  readonly node: LayerNode;
  /** Offset from the start of the inodes, in bytes. */
  readonly at: number;
  readonly xattrs: Uint8Array;
  /** Size of the data: of a directory's entries, of a file, or of a symlink's target. */
  readonly sizeBytes: number;
  /** First block of a directory's entries or of a symlink's target. */
  readonly block: number;
  readonly sparse?: SparseRange;
}

/** The chunks of a sparse file that hold data, which are stored in the index itself. */
export interface SparseRange {
  /** Chunk size: 2^`bits` blocks. */
  readonly bits: number;
  /** Maps a chunk to its index among the stored ones; holes are missing. */
  readonly stored: ReadonlyMap<number, number>;
  readonly chunks: number;
}

/** The layout of an index. */
export interface IndexPlan {
  readonly places: readonly Place[];
  readonly placeOf: ReadonlyMap<LayerNode, Place>;
  /** Number of blocks of the superblock and inodes together. */
  readonly metaBlocks: number;
  /** The first block of each sparse file's stored chunks. */
  readonly sparseBlockOf: ReadonlyMap<Place, number>;
  readonly blocks: number;
}

/** The inode number (`nid`) of an inode. */
export const nidOf = ({ at }: Place): number => ROOT_NID + at / SLOT_BYTES;

/** A directory's names in byte order, including `.` and `..`. */
export const sortedNames = (dir: DirectoryNode): ByteString[] => [".", "..", ...dir.children.keys()].sort(byBytes);

/** Byte strings hold one byte per code unit. */
const byBytes = (a: ByteString, b: ByteString) => a < b ? -1 : a > b ? 1 : 0;

export function planIndex(tree: LayerTree): IndexPlan {
  const drafts: Omit<Place, "block">[] = [];
  let metaBytes = 0;
  for (const node of inodesOf(tree.root)) {
    const draft = { at: align(metaBytes, INODE_BYTES), ...draftOf(node) };
    /** Lays out the index of a tree. @throws {TsdError} layer_too_large */
    metaBytes = draft.at + inodeBytes(draft);
    drafts.push(draft);
  }
  const metaBlocks = META_BLOCK + Math.ceil(metaBytes / BLOCK_BYTES);
  let blocks = metaBlocks;
  const places = drafts.map((draft): Place => {
    const block = blocks;
    const isInIndex = draft.node.kind === "directory" || draft.node.kind === "symlink";
    if (isInIndex) blocks += Math.ceil(draft.sizeBytes / BLOCK_BYTES);
    return { ...draft, block };
  });
  const sparseBlockOf = new Map<Place, number>();
  for (const inode of places) {
    if (inode.sparse === undefined) continue;
    sparseBlockOf.set(inode, blocks);
    blocks += inode.sparse.stored.size * 2 ** inode.sparse.bits;
  }
  if (blocks >= NULL_ADDRESS) throw new TsdError("layer_too_large", "The layer's index has too many blocks");
  const placeOf = new Map(places.map((inode) => [inode.node, inode]));
  return { places, placeOf, metaBlocks, sparseBlockOf, blocks };
}

/** Yields every inode once, the root first. */
function* inodesOf(root: DirectoryNode): Generator<LayerNode> {
  const visited = new Set<LayerNode>();
  const stack: LayerNode[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (visited.has(node)) continue;
    // Only inodes that can have several names are remembered.
    if (node.kind !== "directory" && node.links > 1) visited.add(node);
    yield node;
    if (node.kind !== "directory") continue;
    // Not with spread: a directory may have more children than a call can have arguments.
    for (const child of [...node.children.values()].reverse()) stack.push(child);
  }
}

function draftOf(node: LayerNode): Omit<Place, "block" | "at"> {
  const isOpaque = node.kind === "directory" && node.isOpaque;
  const xattrs = encodeXattrs(isOpaque ? [...node.xattrs, OPAQUE] : node.xattrs);
  switch (node.kind) {
    case "directory":
      return { node, xattrs, sizeBytes: directoryBytes(sortedNames(node)) };
    case "symlink":
      return { node, xattrs, sizeBytes: node.target.length };
    case "file":
      if (node.sizeBytes > FILE_MAX_BYTES || node.dataOffset / BLOCK_BYTES >= NULL_ADDRESS) {
        throw new TsdError(
          "layer_too_large",
          `The layer has a file of ${node.sizeBytes} bytes, or one too far in its tar`,
        );
      }
      return { node, xattrs, sizeBytes: node.sizeBytes, ...sparseOf(node) };
    default:
      return { node, xattrs, sizeBytes: 0 };
  }
}

function sparseOf({ sparse, sizeBytes }: FileNode): { sparse?: SparseRange } {
  if (sparse === undefined) return {};
  const bits = chunkBits(Math.ceil(sizeBytes / CHUNKS_MAX), SPARSE_CHUNK_BITS_MIN);
  const chunkBytes = BLOCK_BYTES * 2 ** bits;
  const stored = new Map<number, number>();
  for (const { offset, length } of sparse as readonly SparseExtent[]) {
    if (length === 0) continue;
    const last = Math.floor((offset + length - 1) / chunkBytes);
    for (let chunk = Math.floor(offset / chunkBytes); chunk <= last; chunk++) {
      if (!stored.has(chunk)) stored.set(chunk, stored.size);
    }
  }
  return { sparse: { bits, stored, chunks: Math.ceil(sizeBytes / chunkBytes) } };
}

/** The smallest chunk size of at least `bytes`, as log2 of its number of blocks; `least` is the minimum. */
export function chunkBits(bytes: number, least = 0): number {
  let bits = least;
  while (BLOCK_BYTES * 2 ** bits < bytes && bits < CHUNK_BITS_MAX) bits++;
  return bits;
}

/** Size of an inode with its xattrs and chunk indexes, in bytes. */
function inodeBytes({ node, xattrs, sizeBytes, sparse }: Pick<Place, "node" | "xattrs" | "sizeBytes" | "sparse">) {
  const bytes = INODE_BYTES + xattrs.length;
  if (node.kind !== "file" || sizeBytes === 0) return bytes;
  return align(bytes, CHUNK_INDEX_BYTES) + CHUNK_INDEX_BYTES * (sparse?.chunks ?? 1);
}

export function align(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
