/**
 * Writes the EROFS index of a layer: its tree as inodes and directories, file contents as block addresses in the tar.
 */
import type { ByteString } from "../../tar/mod.ts";
import { bytesOf } from "../../tar/mod.ts";
import { S } from "../../sys/mod.ts";
import type { FileNode, LayerNode, LayerTree } from "../layer_tree.ts";
import {
  BLOCK_BYTES,
  CHUNK_INDEX_BYTES,
  chunkFormat,
  DEVICE,
  deviceNumber,
  directoryBlocks,
  type DirectoryEntry,
  encodeChunkIndex,
  encodeInode,
  encodeSuperblock,
  FILE_TYPE,
  INODE_BYTES,
  LAYOUT,
  META_BYTES,
  NULL_ADDRESS,
} from "./format.ts";
import { align, chunkBits, type IndexPlan, nidOf, type Place, planIndex, sortedNames } from "./index_plan.ts";

/** A file with synchronous random-access writes. */
export interface IndexSink {
  writeAt(offset: number, bytes: Uint8Array): void;
  /** Sets the size exactly; ranges that were never written are zero. */
  setLength(bytes: number): void;
}

/** The tar that an index points into. */
export interface TarBytes {
  readonly sizeBytes: number;
  /** Fills `buffer` with the bytes from `offset`. */
  readAt(offset: number, buffer: Uint8Array): void;
}

const COPY_BYTES = 256 << 10;
const BUFFER_BYTES = 256 << 10;

const TYPE_BITS: Readonly<Record<LayerNode["kind"], number>> = {
  directory: S.IFDIR,
  file: S.IFREG,
  symlink: S.IFLNK,
  character: S.IFCHR,
  block: S.IFBLK,
  fifo: S.IFIFO,
  // Overlayfs represents a whiteout as the character device 0:0.
  whiteout: S.IFCHR,
};

/** Writes a complete index. The output is deterministic. @param uuid 16 bytes, unique per layer */
export function writeIndex(tree: LayerTree, tar: TarBytes, uuid: Uint8Array, sink: IndexSink): void {
  const plan = planIndex(tree);
  sink.setLength(plan.blocks * BLOCK_BYTES);
  const info = { inodes: plan.places.length, blocks: plan.blocks, tarBytes: tar.sizeBytes, uuid };
  sink.writeAt(0, encodeSuperblock(info));
  writeInodes(plan, sink);
  writeFlatData(plan, sink);
  for (const [inode, block] of plan.sparseBlockOf) copySparse(inode, block, tar, sink);
}

function writeInodes(plan: IndexPlan, sink: IndexSink): void {
  const out = new BufferedWriter(sink, META_BYTES);
  let end = 0;
  for (const [number, inode] of plan.places.entries()) {
    out.zeros(inode.at - end);
    const bytes = inodeBytes(inode, number + 1, plan);
    out.push(bytes);
    end = inode.at + bytes.length;
  }
  out.flush();
}

/** Encodes an inode with its xattrs and chunk indexes. */
function inodeBytes(inode: Place, number: number, plan: IndexPlan): Uint8Array {
  const { node, xattrs, sizeBytes } = inode;
  const isFile = node.kind === "file";
  const chunksAt = align(INODE_BYTES + xattrs.length, CHUNK_INDEX_BYTES);
  const chunks = isFile && sizeBytes > 0 ? inode.sparse?.chunks ?? 1 : 0;
  const bytes = new Uint8Array(chunks > 0 ? chunksAt + chunks * CHUNK_INDEX_BYTES : INODE_BYTES + xattrs.length);
  const view = new DataView(bytes.buffer);
  encodeInode(view, 0, {
    layout: isFile ? LAYOUT.chunks : LAYOUT.flat,
    xattrBytes: xattrs.length,
    mode: TYPE_BITS[node.kind] | (node.kind === "symlink" ? 0o777 : node.mode),
    sizeBytes,
    address: addressOf(inode),
    number,
    uid: node.uid,
    gid: node.gid,
    mtimeSeconds: node.mtimeSeconds,
    mtimeNanos: node.mtimeNanos,
    links: linksOf(node),
  });
  bytes.set(xattrs, INODE_BYTES);
  if (chunks > 0) encodeChunks(view, chunksAt, inode, plan);
  return bytes;
}

/** The block address, chunk format or device number for `i_u`. */
function addressOf({ node, block, sizeBytes, sparse }: Place): number {
  switch (node.kind) {
    case "file":
      return chunkFormat(sparse?.bits ?? chunkBits(sizeBytes));
    case "directory":
    case "symlink":
      return block;
    case "character":
    case "block":
      return deviceNumber(node.major, node.minor);
    default:
      return 0;
  }
}

/** File data in a tar is contiguous: a plain file is one chunk. */
function encodeChunks(view: DataView, at: number, inode: Place, plan: IndexPlan): void {
  const { sparse, node } = inode;
  if (sparse === undefined) {
    return encodeChunkIndex(view, at, DEVICE.tar, (node as FileNode).dataOffset / BLOCK_BYTES);
  }
  const first = plan.sparseBlockOf.get(inode)!;
  for (let chunk = 0; chunk < sparse.chunks; chunk++) {
    const stored = sparse.stored.get(chunk);
    const block = stored === undefined ? NULL_ADDRESS : first + stored * 2 ** sparse.bits;
    encodeChunkIndex(view, at + chunk * CHUNK_INDEX_BYTES, DEVICE.index, block);
  }
}

function linksOf(node: LayerNode): number {
  if (node.kind !== "directory") return node.links;
  let links = 2;
  for (const child of node.children.values()) if (child.kind === "directory") links++;
  return links;
}

/** Writes directory entries and symlink targets, in the order of the plan. */
function writeFlatData(plan: IndexPlan, sink: IndexSink): void {
  const out = new BufferedWriter(sink, plan.metaBlocks * BLOCK_BYTES);
  for (const { node } of plan.places) {
    if (node.kind === "symlink") {
      const target = bytesOf(node.target);
      out.push(target);
      out.zeros(align(target.length, BLOCK_BYTES) - target.length);
    } else if (node.kind === "directory") {
      const entry = (name: ByteString): DirectoryEntry => {
        const child = name === "." ? node : name === ".." ? node.parent ?? node : node.children.get(name)!;
        return { name, nid: nidOf(plan.placeOf.get(child)!), type: fileType(child) };
      };
      for (const block of directoryBlocks(sortedNames(node).map(entry))) out.push(block);
    }
  }
  out.flush();
}

const fileType = ({ kind }: LayerNode): number => FILE_TYPE[kind === "whiteout" ? "character" : kind];

/**
 * The tar stores a sparse file's data without its holes, so it has no usable block addresses: copies the chunks with
 * data.
 */
function copySparse({ node, sparse }: Place, firstBlock: number, tar: TarBytes, sink: IndexSink): void {
  const { bits, stored } = sparse!;
  const chunkBytes = BLOCK_BYTES * 2 ** bits;
  const buffer = new Uint8Array(COPY_BYTES);
  let from = (node as FileNode).dataOffset;
  for (const { offset, length } of (node as FileNode).sparse!) {
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inChunk = at % chunkBytes;
      const part = buffer.subarray(0, Math.min(length - done, chunkBytes - inChunk, COPY_BYTES));
      tar.readAt(from, part);
      const sinkOffset = firstBlock * BLOCK_BYTES + stored.get(Math.floor(at / chunkBytes))! * chunkBytes + inChunk;
      sink.writeAt(sinkOffset, part);
      from += part.length;
      done += part.length;
    }
  }
}

/** Buffers small sequential writes. */
class BufferedWriter {
  readonly #sink: IndexSink;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #at: number;
  #used = 0;

  constructor(sink: IndexSink, at: number) {
    this.#sink = sink;
    this.#at = at;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.#used) this.flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#sink.writeAt(this.#at, bytes);
      this.#at += bytes.length;
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  zeros(count: number): void {
    if (count > 0) this.push(new Uint8Array(count));
  }

  flush(): void {
    if (this.#used > 0) this.#sink.writeAt(this.#at, this.#buffer.subarray(0, this.#used));
    this.#at += this.#used;
    this.#used = 0;
  }
}
