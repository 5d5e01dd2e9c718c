/**
 * @module
 * Tar archives as streams of bytes: ustar and pax (POSIX.1-2017), GNU long names, GNU sparse files in their four
 * formats, base-256 numbers, star's prefix. Headers are parsed by pure functions; one synchronous state machine drives
 * them.
 *
 * It rejects (`layer_invalid`): wrong checksums, impossible numbers (negative sizes, nonexistent ids), names with a NUL
 * or over 4096 bytes, extended headers over 1 MiB, inconsistent sparse maps, unknown types, archives truncated inside
 * an entry. It does not check where a name leads: `..` and absolute names are returned unchanged.
 *
 * Invariants: names are bytes ({@link ByteString}); nothing larger than an extended header is kept in memory; the
 * portioning of the input makes no difference.
 */
export { bytesOf, type ByteString, byteStringFromText, byteStringOf, quoted } from "./byte_string.ts";
export { TarDecoder, type TarDecoderOptions, type TarItem } from "./decoder.ts";
export { encodeHeader, encodeSparseHeader, END_OF_TAR, tarHeader } from "./encoder.ts";
export { NO_XATTRS, type SparseExtent, type TarEntry, type TarEntryType, type TarHeader } from "./entry.ts";
export { BLOCK_BYTES, paddingOf } from "./header.ts";
export { readTar, type TarMember } from "./reader.ts";
export { type TarSource, tarStream } from "./writer.ts";
