/** An entry of a tar: the codec's only data type, read by {@link TarDecoder} and written by {@link tarStream}. */
import type { ByteString } from "./byte_string.ts";

/** Types of entries that a layer or an archive may contain. */
export type TarEntryType = "file" | "directory" | "symlink" | "link" | "character" | "block" | "fifo";

/** A range of a sparse file that holds data, in bytes; everything between ranges is a hole. */
export interface SparseExtent {
  readonly offset: number;
  readonly length: number;
}

/** The fields of a header, without its position in an archive. */
export interface TarHeader {
  readonly type: TarEntryType;
  /** The name as in the archive: not normalised, untrusted, without NUL. */
  readonly path: ByteString;
  /** Target of a symbolic or hard link, otherwise empty. */
  readonly linkPath: ByteString;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970; may be negative. */
  readonly mtimeSeconds: number;
  /** 0 to 999,999,999, added to the seconds. */
  readonly mtimeNanos: number;
  /** Size of the file including holes, in bytes; 0 for other types. */
  readonly sizeBytes: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes (`SCHILY.xattr.*`), in the archive's order. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

/** A decoded entry. */
export interface TarEntry extends TarHeader {
  /** Index in the archive, from 0. */
  readonly index: number;
  /** Offset of the file's data from the start of the archive, in bytes. */
  readonly dataOffset: number;
  /** Bytes of data in the archive: less than `sizeBytes` for a sparse file. */
  readonly storedBytes: number;
  /** The extents that the stored bytes fill, for a sparse file: ascending, with a total length of `storedBytes`. */
  readonly sparse: readonly SparseExtent[] | undefined;
}

/** Shared by all entries without extended attributes. */
export const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();
