/** For tests only: builds archives byte by byte, with quirks that no regular writer produces. */
import { bytesOf, type ByteString, byteStringOf } from "./byte_string.ts";
import { TarDecoder } from "./decoder.ts";
import type { TarEntry } from "./entry.ts";
import { BLOCK_BYTES, paddingOf, sumOf } from "./header.ts";

/** Fields of a header block as raw text; omitted fields describe a plain empty file `name`. */
export interface RawFields {
  readonly name?: ByteString;
  readonly mode?: ByteString;
  readonly uid?: ByteString;
  readonly gid?: ByteString;
  readonly size?: ByteString;
  readonly mtime?: ByteString;
  readonly flag?: ByteString;
  readonly linkName?: ByteString;
  readonly magic?: ByteString;
  readonly devMajor?: ByteString;
  readonly devMinor?: ByteString;
  readonly prefix?: ByteString;
  /** Bytes to write at offsets, after all fields but the checksum. */
  readonly patch?: Readonly<Record<number, ByteString>>;
  /** Replaces the correct checksum. */
  readonly checksum?: ByteString;
}

const OFFSETS = {
  name: 0,
  mode: 100,
  uid: 108,
  gid: 116,
  size: 124,
  mtime: 136,
  flag: 156,
  linkName: 157,
  magic: 257,
  devMajor: 329,
  devMinor: 337,
  prefix: 345,
} as const;

const DEFAULTS = { name: "name", mode: "0000644\0", size: "00000000000\0", flag: "0", magic: "ustar\x0000" } as const;

/** Returns one header block. */
export function rawBlock(fields: RawFields = {}): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  for (const [key, offset] of Object.entries(OFFSETS) as [keyof typeof OFFSETS, number][]) {
    const text = fields[key] ?? (DEFAULTS as Record<string, string>)[key];
    if (text !== undefined) block.set(bytesOf(text), offset);
  }
  for (const [offset, text] of Object.entries(fields.patch ?? {})) block.set(bytesOf(text), Number(offset));
  const sum = fields.checksum ?? `${sumOf(block).unsigned.toString(8).padStart(6, "0")}\0 `;
  block.set(bytesOf(sum), 148);
  return block;
}

/** Formats a number as an octal field of 12 bytes. */
export function octal(value: number): string {
  return `${value.toString(8).padStart(11, "0")}\0`;
}

/** Pads `bytes` to a whole block. */
export function padded(bytes: Uint8Array | ByteString): Uint8Array {
  const content = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  return concat(content, new Uint8Array(paddingOf(content.length)));
}

/** Returns a header of type `flag` with a body, such as a pax header `x` or a long name `L`. */
export function rawExtension(flag: string, body: ByteString, magic = "ustar\x0000"): Uint8Array {
  return concat(rawBlock({ name: "extension", flag, size: octal(body.length), magic }), padded(body));
}

/** Returns the header and content of a file. */
export function rawFile(name: ByteString, content: ByteString, fields: RawFields = {}): Uint8Array {
  return concat(rawBlock({ name, size: octal(content.length), ...fields }), padded(content));
}

/** Concatenates all parts. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The result of decoding an archive. */
export interface Decoded {
  readonly entries: readonly { readonly entry: TarEntry; readonly data: ByteString }[];
  /** All bytes that aren't data. */
  readonly skeleton: ByteString;
}

/** Decodes an archive in portions of the given sizes, repeated as necessary; one portion by default. */
export function decodeAll(archive: Uint8Array, portions: readonly number[] = [archive.length || 1]): Decoded {
  const entries: { entry: TarEntry; data: ByteString }[] = [];
  let skeleton = "";
  const decoder = new TarDecoder({ skeleton: (bytes) => void (skeleton += byteStringOf(bytes)) });
  for (let at = 0, portion = 0; at < archive.length; portion++) {
    const size = portions[portion % portions.length]!;
    decoder.feed(archive.slice(at, at + size));
    at += size;
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (item instanceof Uint8Array) entries.at(-1)!.data += byteStringOf(item);
      else entries.push({ entry: item, data: "" });
    }
  }
  decoder.finish();
  return { entries, skeleton };
}
