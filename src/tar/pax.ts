/**
 * Extended headers: POSIX pax records (`len key=value\n`, POSIX.1-2017 pax, "pax Extended Header") and GNU long names.
 * Keys and values are bytes. Pure.
 */
import { bytesOf, type ByteString, byteStringOf } from "./byte_string.ts";
import { NO_XATTRS } from "./entry.ts";
import { rejectTar } from "./numbers.ts";

/** Maximum size of an extended header; Go's archive/tar has the same limit. */
export const EXTENSION_MAX_BYTES = 1 << 20;
/** Maximum length of a name or link target (Linux PATH_MAX). */
export const NAME_MAX_BYTES = 4096;

/** Prefix of the records that carry extended attributes. */
export const XATTR_PREFIX = "SCHILY.xattr.";

/** The records of one header. For repeated keys, the last one wins. */
export interface PaxRecords {
  readonly values: Map<ByteString, ByteString>;
  /** Numbers of GNU sparse format 0.0, whose keys repeat: offset, length, offset, length … */
  readonly sparsePairs: ByteString[];
}

/** Keys that apply to a single file and must not be set by a global header. */
const PER_FILE = new Set(["path", "linkpath", "size"]);

/** Parses the records of an extended header. @throws {TsdError} layer_invalid */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const values = new Map<ByteString, ByteString>();
  const sparsePairs: ByteString[] = [];
  for (let at = 0; at < bytes.length;) {
    const { key, value, next } = parseRecord(bytes, at);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") addPair(sparsePairs, key, value);
    else values.set(key, value);
    at = next;
  }
  if (sparsePairs.length % 2 !== 0) rejectTar("a sparse file's map is incomplete");
  return { values, sparsePairs };
}

function parseRecord(bytes: Uint8Array, at: number): { key: ByteString; value: ByteString; next: number } {
  let length = 0;
  let cursor = at;
  for (; cursor < bytes.length && cursor < at + 8; cursor++) {
    const digit = bytes[cursor]! - 0x30;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
  }
  const next = at + length;
  const equals = bytes.indexOf(0x3d, cursor);
  const isValid = cursor > at && bytes[cursor] === 0x20 && next <= bytes.length && equals > cursor + 1 &&
    equals < next - 1 && bytes[next - 1] === 0x0a;
  if (!isValid) rejectTar("a pax record is malformed");
  const key = byteStringOf(bytes, cursor + 1, equals);
  if (key.includes("\0")) rejectTar("a pax key holds a NUL");
  return { key, value: byteStringOf(bytes, equals + 1, next - 1), next };
}

function addPair(pairs: ByteString[], key: ByteString, value: ByteString): void {
  if ((pairs.length % 2 === 0) !== (key === "GNU.sparse.offset")) rejectTar("a sparse file's map is out of order");
  pairs.push(value);
}

/**
 * Merges a global header's records into those in effect; an empty value removes one. @throws {TsdError} layer_invalid
 */
export function mergeGlobal(globals: Map<ByteString, ByteString>, records: PaxRecords): void {
  if (records.sparsePairs.length > 0) rejectTar("a global pax header describes a sparse file");
  for (const [key, value] of records.values) {
    if (PER_FILE.has(key) || key.startsWith("GNU.sparse.")) rejectTar(`a global pax header sets ${key}`);
    if (value === "") globals.delete(key);
    else globals.set(key, value);
  }
  let size = 0;
  for (const [key, value] of globals) size += key.length + value.length;
  if (size > EXTENSION_MAX_BYTES) rejectTar("the global pax headers are too large");
}

/** Returns the extended attributes among the records; those of the entry override global ones. */
export function xattrsOf(
  globals: ReadonlyMap<ByteString, ByteString>,
  values: ReadonlyMap<ByteString, ByteString> | undefined,
): ReadonlyMap<ByteString, Uint8Array> {
  if (globals.size === 0 && values === undefined) return NO_XATTRS;
  let found: Map<ByteString, Uint8Array> | undefined;
  for (const source of [globals, values ?? []]) {
    for (const [key, value] of source) {
      if (!key.startsWith(XATTR_PREFIX) || key.length === XATTR_PREFIX.length) continue;
      found ??= new Map();
      found.set(key.slice(XATTR_PREFIX.length), bytesOf(value));
    }
  }
  return found ?? NO_XATTRS;
}

/**
 * Returns the name in a GNU `L` or `K` header, without trailing NULs. @throws {TsdError} layer_invalid for a NUL inside
 */
export function parseLongName(bytes: Uint8Array): ByteString {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return checkedName(byteStringOf(bytes, 0, end));
}

/** Returns `name`. @throws {TsdError} layer_invalid if it contains a NUL or is too long */
export function checkedName(name: ByteString): ByteString {
  if (name.length > NAME_MAX_BYTES) rejectTar(`a name is longer than ${NAME_MAX_BYTES} bytes`);
  if (name.includes("\0")) rejectTar("a name holds a NUL");
  return name;
}

/** Formats a record, including its own length. */
export function formatRecord(key: ByteString, value: ByteString): ByteString {
  // The space, the equals sign and the newline; the length includes its own digits.
  const rest = key.length + value.length + 3;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
