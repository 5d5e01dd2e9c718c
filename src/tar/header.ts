/**
 * The 512-byte header block (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format";
 * star(5)). Pure: converts bytes to fields, without state.
 */
import { type ByteString, byteStringOf } from "./byte_string.ts";
import { parseNumber, rejectTar } from "./numbers.ts";

/** Size of a block; headers and data are padded to it. */
export const BLOCK_BYTES = 512;

/** The dialect, according to the header's magic. */
export type HeaderFormat = "v7" | "ustar" | "gnu" | "star";

/** The fields of a header block, before extended headers are applied. */
export interface HeaderBlock {
  readonly format: HeaderFormat;
  /** The type flag, one char; V7's `\0` is converted to `0`. */
  readonly flag: string;
  readonly isOldFile: boolean;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

/** Returns whether the block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK_BYTES; i++) if (block[i] !== 0) return false;
  return true;
}

/**
 * Parses a header block. @throws {TsdError} layer_invalid for a wrong checksum, an invalid number or a negative size
 */
export function parseHeader(block: Uint8Array): HeaderBlock {
  checkSum(block);
  const format = formatOf(block);
  const prefix = format === "ustar" ? textField(block, 345, 155) : format === "star" ? textField(block, 345, 131) : "";
  const name = textField(block, 0, 100);
  const flag = block[156]!;
  const size = parseNumber(block, 124, 12, "size");
  if (size < 0) rejectTar("an entry has a negative size");
  return {
    format,
    flag: flag === 0 ? "0" : String.fromCharCode(flag),
    isOldFile: flag === 0,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: textField(block, 157, 100),
    mode: parseNumber(block, 100, 8, "mode"),
    uid: parseNumber(block, 108, 8, "uid"),
    gid: parseNumber(block, 116, 8, "gid"),
    size,
    mtime: parseNumber(block, 136, 12, "mtime"),
  };
}

/** Parses the device numbers of a header. @throws {TsdError} layer_invalid */
export function parseDevice(block: Uint8Array): { major: number; minor: number } {
  const major = parseNumber(block, 329, 8, "devmajor");
  const minor = parseNumber(block, 337, 8, "devminor");
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
    rejectTar(`there is no device ${major}:${minor} on Linux`);
  }
  return { major, minor };
}

/** Returns the number of bytes from `size` to the next block boundary. */
export function paddingOf(size: number): number {
  const over = size % BLOCK_BYTES;
  return over === 0 ? 0 : BLOCK_BYTES - over;
}

/** Sums all bytes, with the checksum field taken as spaces; `signed` is the sum of very old tars. */
export function sumOf(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 0;
  let high = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = block[i]!;
    unsigned += byte;
    high += byte >> 7;
  }
  for (let i = 148; i < 156; i++) {
    const byte = block[i]!;
    unsigned += 0x20 - byte;
    high -= byte >> 7;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function checkSum(block: Uint8Array): void {
  const stored = parseNumber(block, 148, 8, "checksum");
  const { unsigned, signed } = sumOf(block);
  if (stored !== unsigned && stored !== signed) rejectTar("a header's checksum is wrong");
}

function formatOf(block: Uint8Array): HeaderFormat {
  const magic = byteStringOf(block, 257, 265);
  if (magic === "ustar  \0") return "gnu";
  if (!magic.startsWith("ustar\0")) return "v7";
  return byteStringOf(block, 508, 512) === "tar\0" ? "star" : "ustar";
}

/** Returns a text field up to its NUL. */
function textField(block: Uint8Array, offset: number, length: number): ByteString {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return byteStringOf(block, offset, end);
}
