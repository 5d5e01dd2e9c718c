/**
 * Where everything of an index goes: inodes in the order in which they are met from the root on, after them the folders'
 * entries and the targets of symbolic links, at last what sparse files hold, in chunks.
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
/** Sparse files have at most about so many chunks: each takes eight bytes of index. */
const CHUNKS_MAX = 1 << 16;
/** Chunks of sparse files have a page at least. */
const SPARSE_CHUNK_BITS_MIN = 12 - BLOCK_BITS;

/** What one chunk can hold. */
const FILE_MAX_BYTES = BLOCK_BYTES * 2 ** CHUNK_BITS_MAX;

/** Where one inode and its data are. */
export interface Place {
  readonly node: LayerNode;
  /** From the start of the inodes, in bytes. */
  readonly at: number;
  readonly xattrs: Uint8Array;
  /** Bytes of the data: entries of a folder, a file's size, a link's target. */
  readonly sizeBytes: number;
  /** First block of a folder's entries or of a link's target. */
  readonly block: number;
  readonly sparse?: SparseRange;
}

/** A sparse file's chunks that hold data, in the index itself. */
export interface SparseRange {
  /** Blocks of a chunk, as a power of two. */
  readonly bits: number;
  /** Chunk by chunk its number among those that hold data, or undefined for a hole. */
  readonly stored: ReadonlyMap<number, number>;
  readonly chunks: number;
}

/** The whole index. */
export interface IndexPlan {
  readonly places: readonly Place[];
  readonly placeOf: ReadonlyMap<LayerNode, Place>;
  /** Blocks of superblock and inodes together. */
  readonly metaBlocks: number;
  /** Where the sparse files' chunks begin, and with whose place each file's begin, in blocks. */
  readonly sparseBlockOf: ReadonlyMap<Place, number>;
  readonly blocks: number;
}

/** The number of an inode. */
export const nidOf = ({ at }: Place): number => ROOT_NID + at / SLOT_BYTES;

/** A folder's names in the order of their bytes, `.` and `..` among them. */
export const sortedNames = (dir: DirectoryNode): ByteString[] => [".", "..", ...dir.children.keys()].sort(byBytes);

/** Byte strings hold one byte in each code unit. */
const byBytes = (a: ByteString, b: ByteString) => a < b ? -1 : a > b ? 1 : 0;

export function planIndex(tree: LayerTree): IndexPlan {
  const drafts: Omit<Place, "block">[] = [];
  let metaBytes = 0;
  for (const node of inodesOf(tree.root)) {
    const draft = { at: align(metaBytes, INODE_BYTES), ...draftOf(node) };
    metaBytes = draft.at + followedBytes(draft);
    drafts.push(draft);
  }
  const metaBlocks = META_BLOCK + Math.ceil(metaBytes / BLOCK_BYTES);
  let blocks = metaBlocks;
  const places = drafts.map((draft): Place => {
    const block = blocks;
    const isHere = draft.node.kind === "directory" || draft.node.kind === "symlink";
    if (isHere) blocks += Math.ceil(draft.sizeBytes / BLOCK_BYTES);
    return { ...draft, block };
  });
  const sparseBlockOf = new Map<Place, number>();
  for (const place of places) {
    if (place.sparse === undefined) continue;
    sparseBlockOf.set(place, blocks);
    blocks += place.sparse.stored.size * 2 ** place.sparse.bits;
  }
  if (blocks >= NULL_ADDRESS) throw new TsdError("layer_too_large", "The layer's index has too many blocks");
  const placeOf = new Map(places.map((place) => [place.node, place]));
  return { places, placeOf, metaBlocks, sparseBlockOf, blocks };
}

/** Every inode once, the root first. */
function* inodesOf(root: DirectoryNode): Generator<LayerNode> {
  const seen = new Set<LayerNode>();
  const ahead: LayerNode[] = [root];
  for (let node = ahead.pop(); node !== undefined; node = ahead.pop()) {
    if (seen.has(node)) continue;
    // Only what can have several names is remembered.
    if (node.kind !== "directory" && node.links > 1) seen.add(node);
    yield node;
    if (node.kind !== "directory") continue;
    // Not by spreading: a folder may have more children than a call has arguments.
    for (const child of [...node.children.values()].reverse()) ahead.push(child);
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

/** The smallest chunks that hold so many bytes, as a power of two of blocks. */
export function chunkBits(bytes: number, least = 0): number {
  let bits = least;
  while (BLOCK_BYTES * 2 ** bits < bytes && bits < CHUNK_BITS_MAX) bits++;
  return bits;
}

/** Bytes of an inode with all that follows it. */
function followedBytes({ node, xattrs, sizeBytes, sparse }: Pick<Place, "node" | "xattrs" | "sizeBytes" | "sparse">) {
  const bytes = INODE_BYTES + xattrs.length;
  if (node.kind !== "file" || sizeBytes === 0) return bytes;
  return align(bytes, CHUNK_INDEX_BYTES) + CHUNK_INDEX_BYTES * (sparse?.chunks ?? 1);
}

export function align(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
