/** Encodes header blocks: ustar, preceded by a pax header where ustar can't represent a value. Pure. */
import { bytesOf, type ByteString, byteStringOf } from "./byte_string.ts";
import type { SparseExtent, TarEntryType, TarHeader } from "./entry.ts";
import { BLOCK_BYTES, paddingOf, sumOf } from "./header.ts";
import { formatNumber } from "./numbers.ts";
import { formatRecord, XATTR_PREFIX } from "./pax.ts";

const FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** The largest values of octal fields of 8 and 12 bytes. */
const OCTAL7_MAX = 0o7777777;
const OCTAL11_MAX = 0o77777777777;

/** The two zero blocks that end an archive. */
export const END_OF_TAR: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/** Encodes all header bytes of one entry. */
export function encodeHeader(header: TarHeader): Uint8Array<ArrayBuffer> {
  return encodeWith(header, "");
}

/**
 * Encodes everything that precedes the data of a sparse file: headers, and the map (GNU's pax format 1.0). The data
 * that follows is the extents' bytes, concatenated.
 */
export function encodeSparseHeader(header: TarHeader, extents: readonly SparseExtent[]): Uint8Array<ArrayBuffer> {
  const last = extents.at(-1);
  // GNU tar takes the end of the last extent as the end of the file.
  const isHoleAtEnd = last === undefined || last.offset + last.length < header.sizeBytes;
  const pieces = isHoleAtEnd ? [...extents, { offset: header.sizeBytes, length: 0 }] : extents;
  const numbers = [pieces.length, ...pieces.flatMap(({ offset, length }) => [offset, length])];
  const map = bytesOf(numbers.map((number) => `${number}\n`).join(""));
  const mapBytes = map.length + paddingOf(map.length);
  const sizeBytes = extents.reduce((sum, { length }) => sum + length, mapBytes);
  const records = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", header.path],
    ["GNU.sparse.realsize", String(header.sizeBytes)],
  ].map(([key, value]) => formatRecord(key!, value!)).join("");
  const name = header.path.slice(header.path.lastIndexOf("/") + 1);
  const head = encodeWith({ ...header, path: `GNUSparseFile.0/${name}`, sizeBytes }, records);
  const whole = new Uint8Array(head.length + mapBytes);
  whole.set(head);
  whole.set(map, head.length);
  return whole;
}

/** @param more records besides those that the header needs */
function encodeWith(header: TarHeader, more: ByteString): Uint8Array<ArrayBuffer> {
  const name = splitName(header.path);
  const records = recordsOf(header, name === undefined) + more;
  const block = encodeBlock(header, name ?? { name: header.path.slice(-100), prefix: "" }, FLAGS[header.type]);
  if (records === "") return block;
  const body = bytesOf(records);
  const extension = encodeBlock(extensionOf(header, body.length), { name: "PaxHeaders/entry", prefix: "" }, "x");
  const whole = new Uint8Array(BLOCK_BYTES + body.length + paddingOf(body.length) + BLOCK_BYTES);
  whole.set(extension, 0);
  whole.set(body, BLOCK_BYTES);
  whole.set(block, whole.length - BLOCK_BYTES);
  return whole;
}

function extensionOf(header: TarHeader, sizeBytes: number): TarHeader {
  return { ...header, linkPath: "", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes };
}

/** Returns pax records for values that the header block can't hold. */
function recordsOf(header: TarHeader, isNameTooLong: boolean): ByteString {
  let records = "";
  const add = (key: ByteString, value: ByteString) => void (records += formatRecord(key, value));
  if (isNameTooLong || !isAscii(header.path)) add("path", header.path);
  if (header.linkPath.length > 100 || !isAscii(header.linkPath)) add("linkpath", header.linkPath);
  if (header.uid > OCTAL7_MAX) add("uid", String(header.uid));
  if (header.gid > OCTAL7_MAX) add("gid", String(header.gid));
  if (header.sizeBytes > OCTAL11_MAX) add("size", String(header.sizeBytes));
  const { mtimeSeconds, mtimeNanos } = header;
  if (mtimeNanos !== 0 || mtimeSeconds < 0 || mtimeSeconds > OCTAL11_MAX) {
    add("mtime", formatTime(mtimeSeconds, mtimeNanos));
  }
  for (const [key, value] of header.xattrs) add(XATTR_PREFIX + key, byteStringOf(value));
  return records;
}

/**
 * Formats decimal seconds; as pax requires, times before 1970 are negative with their fraction counted down from zero.
 */
export function formatTime(seconds: number, nanos: number): string {
  const fraction = (value: number) => value === 0 ? "" : `.${String(value).padStart(9, "0").replace(/0+$/, "")}`;
  if (seconds >= 0 || nanos === 0) return `${seconds}${fraction(nanos)}`;
  return `-${-seconds - 1}${fraction(1e9 - nanos)}`;
}

/** Splits a name as ustar does (at a `/`, 155 + 100 bytes); undefined if it doesn't fit. */
function splitName(path: ByteString): { name: ByteString; prefix: ByteString } | undefined {
  if (path.length <= 100) return { name: path, prefix: "" };
  for (let at = path.indexOf("/", path.length - 101); at > 0 && at <= 155; at = path.indexOf("/", at + 1)) {
    if (at < path.length - 1) return { name: path.slice(at + 1), prefix: path.slice(0, at) };
  }
  return undefined;
}

function isAscii(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function encodeBlock(
  header: TarHeader,
  { name, prefix }: { name: ByteString; prefix: ByteString },
  flag: string,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (text: ByteString, offset: number) => block.set(bytesOf(text), offset);
  put(name, 0);
  formatNumber(block, 100, 8, header.mode);
  formatNumber(block, 108, 8, Math.min(header.uid, OCTAL7_MAX));
  formatNumber(block, 116, 8, Math.min(header.gid, OCTAL7_MAX));
  formatNumber(block, 124, 12, Math.min(header.sizeBytes, OCTAL11_MAX));
  formatNumber(block, 136, 12, Math.min(Math.max(header.mtimeSeconds, 0), OCTAL11_MAX));
  put(flag, 156);
  put(header.linkPath.slice(0, 100), 157);
  put("ustar\x0000", 257);
  formatNumber(block, 329, 8, header.deviceMajor);
  formatNumber(block, 337, 8, header.deviceMinor);
  put(prefix, 345);
  put(`${sumOf(block).unsigned.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** Creates a header with the given fields and Docker's usual defaults: mode 0755 or 0644, root, time 0. */
export function tarHeader(fields: Partial<TarHeader> & Pick<TarHeader, "path" | "type">): TarHeader {
  return {
    linkPath: "",
    mode: fields.type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    sizeBytes: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
    ...fields,
  };
}
