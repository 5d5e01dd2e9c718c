/** What one entry of a tar says: the codec's only data type, read by {@link TarDecoder} and written by {@link tarStream}. */
import type { ByteString } from "./byte_string.ts";

/** Kinds of entries that a layer or an archive can hold. */
export type TarEntryType = "file" | "directory" | "symlink" | "link" | "character" | "block" | "fifo";

/** A stretch of a sparse file that holds data; everything between is a hole. Bytes, within the file. */
export interface SparseExtent {
  readonly offset: number;
  readonly length: number;
}

/** What a header says, without its place in an archive. */
export interface TarHeader {
  readonly type: TarEntryType;
  /** The name as it stands in the archive: not normalised, may be hostile, has no NUL. */
  readonly path: ByteString;
  /** Target of a symbolic or hard link, else empty. */
  readonly linkPath: ByteString;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, may be negative. */
  readonly mtimeSeconds: number;
  /** 0 to 999,999,999, added to the seconds. */
  readonly mtimeNanos: number;
  /** Bytes of the file as a reader of it would see them (holes included); 0 unless a file. */
  readonly sizeBytes: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes (`SCHILY.xattr.*`), in the archive's order. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

/** An entry that was read. */
export interface TarEntry extends TarHeader {
  /** 0 for the archive's first entry. */
  readonly index: number;
  /** Where the file's data starts, bytes from the start of the archive. */
  readonly dataOffset: number;
  /** Bytes of data in the archive: less than `sizeBytes` when the file is sparse. */
  readonly storedBytes: number;
  /** Where the stored bytes belong when the file is sparse: ascending, their lengths add up to `storedBytes`. */
  readonly sparse: readonly SparseExtent[] | undefined;
}

/** Shared by all entries without extended attributes. */
export const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();
