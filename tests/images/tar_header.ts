/**
 * Encodes a tar header block according to POSIX.1-1988 ustar and GNU tar's manual ("Basic Tar Format"). It also writes
 * wrong values, which malicious archives need.
 */
import { type Bytes, bytesOf, type Text } from "./bytes.ts";

export const BLOCK_BYTES = 512;

/** The fields of one header. Bytes given for a number field are copied unchanged. */
export interface HeaderFields {
  readonly name: Text;
  readonly type: string;
  readonly mode?: number | Uint8Array;
  readonly uid?: number | Uint8Array;
  readonly gid?: number | Uint8Array;
  readonly size?: number | Uint8Array;
  readonly mtime?: number | Uint8Array;
  readonly linkName?: Text;
  readonly userName?: string;
  readonly groupName?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: Text;
  /** "gnu" writes `ustar  \0`; default "ustar" writes `ustar\0` and version 00. */
  readonly magic?: "ustar" | "gnu" | "none";
  /** Replaces the checksum by a wrong one. */
  readonly checksum?: number;
}

/** Encodes one 512-byte header block. */
export function encodeHeader(fields: HeaderFields): Bytes {
  const block = new Uint8Array(BLOCK_BYTES);
  putText(block, 0, 100, fields.name);
  putNumber(block, 100, 8, fields.mode ?? 0);
  putNumber(block, 108, 8, fields.uid ?? 0);
  putNumber(block, 116, 8, fields.gid ?? 0);
  putNumber(block, 124, 12, fields.size ?? 0);
  putNumber(block, 136, 12, fields.mtime ?? 0);
  block[156] = fields.type.charCodeAt(0);
  putText(block, 157, 100, fields.linkName ?? "");
  if (fields.magic === "gnu") putText(block, 257, 8, "ustar  \0");
  else if (fields.magic !== "none") putText(block, 257, 8, "ustar\x0000");
  putText(block, 265, 32, fields.userName ?? "");
  putText(block, 297, 32, fields.groupName ?? "");
  putNumber(block, 329, 8, fields.major ?? 0);
  putNumber(block, 337, 8, fields.minor ?? 0);
  putText(block, 345, 155, fields.prefix ?? "");
  block.fill(0x20, 148, 156);
  const sum = fields.checksum ?? block.reduce((total, byte) => total + byte, 0);
  putText(block, 148, 8, sum.toString(8).padStart(6, "0") + "\0 ");
  return block;
}

/** Encodes GNU base-256: big-endian two's complement with the top bit set. `widthBytes` is 8 or 12. */
export function base256(value: bigint, widthBytes: number): Bytes {
  const field = new Uint8Array(widthBytes);
  let rest = value;
  for (let at = widthBytes - 1; at >= 0; at--) {
    field[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = field[0]! | 0x80;
  return field;
}

function putText(block: Uint8Array, at: number, widthBytes: number, text: Text): void {
  block.set(bytesOf(text).subarray(0, widthBytes), at);
}

function putNumber(block: Uint8Array, at: number, widthBytes: number, value: number | Uint8Array): void {
  if (typeof value !== "number") return block.set(value.subarray(0, widthBytes), at);
  const octal = value.toString(8);
  if (value >= 0 && octal.length < widthBytes) {
    return putText(block, at, widthBytes, octal.padStart(widthBytes - 1, "0") + "\0");
  }
  block.set(base256(BigInt(value), widthBytes), at);
}
