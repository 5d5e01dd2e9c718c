/**
 * The on-disk format of EROFS (Linux fs/erofs/erofs_fs.h), as far as an index over a tar needs it: 512-byte blocks, so
 * that file data in a tar starts at block addresses; extended, uncompressed inodes; files as one chunk on a second
 * device, the tar. All numbers are little-endian.
 */
import type { ByteString } from "../../tar/mod.ts";

export const BLOCK_BITS = 9;
export const BLOCK_BYTES = 1 << BLOCK_BITS;
/** The unit of inode numbers. */
export const SLOT_BYTES = 32;
export const INODE_BYTES = 64;
export const CHUNK_INDEX_BYTES = 8;
/** Block address of a hole. */
export const NULL_ADDRESS = 0xffff_ffff;
/** Log2 of the maximum chunk size in blocks: the format has five bits for it. */
export const CHUNK_BITS_MAX = 31;
/** Device ids: the index (the primary device) and the tar, the first entry of the device table. */
export const DEVICE = { index: 0, tar: 1 } as const;
/** First block of the inodes, after the superblock and the device table. */
export const META_BLOCK = 4;
export const META_BYTES = META_BLOCK * BLOCK_BYTES;
/**
 * Inode numbers count from the start of the index, so that none is 0: the C library skips directory entries with inode
 * 0.
 */
export const ROOT_NID = META_BYTES / SLOT_BYTES;

const SUPERBLOCK_AT = 1024;
const DEVICE_SLOT_AT = 1152;
const DEVICE_SLOT_BYTES = 128;
const MAGIC = 0xe0f5_e1e2;
const INCOMPAT_CHUNKED_FILE = 0x4;
const INCOMPAT_DEVICE_TABLE = 0x8;

/** Version of the index writer, stored as `volume_name`. Changing it makes indexes of other versions be rebuilt. */
export const WRITER = "tsd-2";
const WRITER_AT = SUPERBLOCK_AT + 64;
const WRITER_BYTES = 16;

/** Parameters of an index. */
export interface IndexInfo {
  readonly inodes: number;
  /** Number of blocks of the index, without the tar. */
  readonly blocks: number;
  readonly tarBytes: number;
  /** 16 bytes, unique per layer: overlayfs uses the UUID to identify the origin of a file after copy-up. */
  readonly uuid: Uint8Array;
}

/** Encodes the superblock and the device table, the first {@link META_BYTES} of an index. */
export function encodeSuperblock({ inodes, blocks, tarBytes, uuid }: IndexInfo): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(META_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(SUPERBLOCK_AT, MAGIC, true);
  view.setUint8(SUPERBLOCK_AT + 12, BLOCK_BITS);
  view.setUint16(SUPERBLOCK_AT + 14, ROOT_NID, true);
  view.setBigUint64(SUPERBLOCK_AT + 16, BigInt(inodes), true);
  view.setUint32(SUPERBLOCK_AT + 36, blocks, true);
  view.setUint32(SUPERBLOCK_AT + 40, 0, true);
  bytes.set(uuid, SUPERBLOCK_AT + 48);
  new TextEncoder().encodeInto(WRITER, bytes.subarray(WRITER_AT, WRITER_AT + WRITER_BYTES));
  view.setUint32(SUPERBLOCK_AT + 80, INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE, true);
  view.setUint16(SUPERBLOCK_AT + 86, 1, true);
  view.setUint16(SUPERBLOCK_AT + 88, DEVICE_SLOT_AT / DEVICE_SLOT_BYTES, true);
  view.setUint32(DEVICE_SLOT_AT + 64, Math.ceil(tarBytes / BLOCK_BYTES), true);
  return bytes;
}

/**
 * Returns whether an index that starts with these bytes and has this size is complete and by this version of the
 * writer.
 */
export function isTsdIndex(beginning: Uint8Array, sizeBytes: number): boolean {
  if (beginning.length < META_BYTES) return false;
  const view = new DataView(beginning.buffer, beginning.byteOffset, beginning.length);
  const name = new TextDecoder().decode(beginning.subarray(WRITER_AT, WRITER_AT + WRITER_BYTES)).replace(/\0+$/, "");
  return view.getUint32(SUPERBLOCK_AT, true) === MAGIC && name === WRITER &&
    view.getUint32(SUPERBLOCK_AT + 36, true) * BLOCK_BYTES === sizeBytes;
}

/** How an inode's data is located. */
export const LAYOUT = { flat: 0, chunks: 4 } as const;

/** One inode, without its xattrs and chunk indexes. */
export interface InodeInfo {
  readonly layout: (typeof LAYOUT)[keyof typeof LAYOUT];
  readonly xattrBytes: number;
  /** File type and permission bits. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** Block address, chunk format or device number. */
  readonly address: number;
  /** The inode number that 32-bit programs see. */
  readonly number: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  readonly links: number;
}

/** Encodes `struct erofs_inode_extended`. */
export function encodeInode(view: DataView, at: number, info: InodeInfo): void {
  view.setUint16(at, 1 | (info.layout << 1), true);
  view.setUint16(at + 2, info.xattrBytes === 0 ? 0 : (info.xattrBytes - XATTR_HEADER_BYTES) / 4 + 1, true);
  view.setUint16(at + 4, info.mode, true);
  view.setBigUint64(at + 8, BigInt(info.sizeBytes), true);
  view.setUint32(at + 16, info.address, true);
  view.setUint32(at + 20, info.number, true);
  view.setUint32(at + 24, info.uid, true);
  view.setUint32(at + 28, info.gid, true);
  view.setBigInt64(at + 32, BigInt(info.mtimeSeconds), true);
  view.setUint32(at + 40, info.mtimeNanos, true);
  view.setUint32(at + 44, info.links, true);
}

/** `i_u` of a file in chunks of 2^`bits` blocks with chunk indexes (not plain block addresses). */
export const chunkFormat = (bits: number): number => 0x20 | bits;

/** Encodes `struct erofs_inode_chunk_index`. */
export function encodeChunkIndex(view: DataView, at: number, device: number, block: number): void {
  view.setUint16(at, 0, true);
  view.setUint16(at + 2, block === NULL_ADDRESS ? 0 : device, true);
  view.setUint32(at + 4, block, true);
}

/** A device number in the kernel's encoding (`new_encode_dev`). */
export const deviceNumber = (major: number, minor: number): number =>
  ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;

/** Size of `struct erofs_xattr_ibody_header`. */
export const XATTR_HEADER_BYTES = 12;
const XATTR_ENTRY_BYTES = 4;

/** Shared by all inodes without xattrs. */
const NO_XATTRS = new Uint8Array();

/** Name prefixes that are stored as a number; longer ones first. */
const XATTR_PREFIXES: readonly (readonly [prefix: string, index: number])[] = [
  ["system.posix_acl_access", 2],
  ["system.posix_acl_default", 3],
  ["trusted.", 4],
  ["security.", 6],
  ["user.", 1],
];

/** Encodes an inode's inline xattrs with their header; empty if EROFS can store none of them. */
export function encodeXattrs(xattrs: Iterable<readonly [name: ByteString, value: Uint8Array]>): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = XATTR_HEADER_BYTES;
  for (const [name, value] of xattrs) {
    const found = XATTR_PREFIXES.find(([prefix]) => name.startsWith(prefix));
    if (found === undefined) continue;
    const part = encodeXattr(name.slice(found[0].length), found[1], value);
    parts.push(part);
    length += part.length;
  }
  if (parts.length === 0) return NO_XATTRS;
  const bytes = new Uint8Array(length);
  let at = XATTR_HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function encodeXattr(name: ByteString, index: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((XATTR_ENTRY_BYTES + name.length + value.length) / 4) * 4);
  bytes[0] = name.length;
  bytes[1] = index;
  new DataView(bytes.buffer).setUint16(2, value.length, true);
  for (let i = 0; i < name.length; i++) bytes[XATTR_ENTRY_BYTES + i] = name.charCodeAt(i);
  bytes.set(value, XATTR_ENTRY_BYTES + name.length);
  return bytes;
}

/** File types in directory entries (`EROFS_FT_*` of the kernel). */
export const FILE_TYPE = { file: 1, directory: 2, character: 3, block: 4, fifo: 5, symlink: 7 } as const;

/** A directory entry. */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly nid: number;
  readonly type: number;
}

const DIRENT_BYTES = 12;

/** Size of a directory's entries, in bytes: whole blocks, and the used part of the last one. */
export function directoryBytes(names: Iterable<ByteString>): number {
  let full = 0;
  let used = 0;
  for (const name of names) {
    const more = DIRENT_BYTES + name.length;
    if (used + more > BLOCK_BYTES) {
      full++;
      used = 0;
    }
    used += more;
  }
  return full * BLOCK_BYTES + used;
}

/** Encodes a directory's blocks. `entries` are in byte order of their names and include `.` and `..`. */
export function* directoryBlocks(entries: readonly DirectoryEntry[]): Generator<Uint8Array> {
  for (let from = 0; from < entries.length;) {
    let to = from;
    for (let used = 0; to < entries.length; to++) {
      used += DIRENT_BYTES + entries[to]!.name.length;
      if (used > BLOCK_BYTES) break;
    }
    yield directoryBlock(entries.slice(from, to));
    from = to;
  }
}

function directoryBlock(entries: readonly DirectoryEntry[]): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  let nameAt = entries.length * DIRENT_BYTES;
  for (const [i, { name, nid, type }] of entries.entries()) {
    const at = i * DIRENT_BYTES;
    view.setBigUint64(at, BigInt(nid), true);
    view.setUint16(at + 8, nameAt, true);
    view.setUint8(at + 10, type);
    for (let n = 0; n < name.length; n++) bytes[nameAt++] = name.charCodeAt(n);
  }
  return bytes;
}
