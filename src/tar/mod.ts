/**
 * @module
 * Tar archives as streams of bytes: ustar and pax (POSIX.1-2017), GNU long names, GNU sparse files in their four formats,
 * base-256 numbers, star's prefix. Headers are parsed by pure functions; one synchronous state machine drives them.
 *
 * It refuses (`layer_invalid`): wrong checksums, numbers that can't be (negative sizes, ids that don't exist), names that
 * hold a NUL or exceed 4096 bytes, extended headers over 1 MiB, unsound sparse maps, unknown types, archives cut off
 * inside an entry. It does not judge where a name leads: `..` and absolute names come through as they are.
 *
 * Invariants: names are bytes ({@link ByteString}); nothing larger than an extended header is ever held in memory; how the
 * input is cut into portions makes no difference.
 */
export { bytesOf, type ByteString, byteStringFromText, byteStringOf, quoted } from "./byte_string.ts";
export { TarDecoder, type TarDecoderOptions, type TarItem } from "./decoder.ts";
export { encodeHeader, encodeSparseHeader, END_OF_TAR, tarHeader } from "./encoder.ts";
export { NO_XATTRS, type SparseExtent, type TarEntry, type TarEntryType, type TarHeader } from "./entry.ts";
export { BLOCK_BYTES, paddingOf } from "./header.ts";
export { readTar, type TarMember } from "./reader.ts";
export { type TarSource, tarStream } from "./writer.ts";
