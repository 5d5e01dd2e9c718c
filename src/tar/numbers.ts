/** Numbers in tar headers: octal text (POSIX ustar), or base-256 in big-endian two's complement (GNU, star). */
import { TsdError } from "../errors.ts";

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

/** Rejects an archive. @throws {TsdError} layer_invalid, always */
export function rejectTar(why: string): never {
  throw new TsdError("layer_invalid", `Invalid tar: ${why}`);
}

/**
 * Parses the number in the field at `offset`; an empty field is 0.
 * @throws {TsdError} layer_invalid if it is not a number, or not exactly representable (above 2^53)
 */
export function parseNumber(block: Uint8Array, offset: number, length: number, field: string): number {
  const first = block[offset]!;
  return first & 0x80 ? parseBinary(block, offset, length, field) : parseOctal(block, offset, length, field);
}

function parseOctal(block: Uint8Array, offset: number, length: number, field: string): number {
  const end = offset + length;
  let at = offset;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at]!;
    if (digit < ZERO || digit > SEVEN) break;
    value = value * 8 + digit - ZERO;
  }
  for (; at < end; at++) {
    if (block[at] !== SPACE && block[at] !== 0) rejectTar(`the field ${field} isn't an octal number`);
  }
  return value;
}

function parseBinary(block: Uint8Array, offset: number, length: number, field: string): number {
  const first = block[offset]!;
  const negative = (first & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = (first ^ flip) & 0x7f;
  for (let at = offset + 1; at < offset + length; at++) {
    value = value * 256 + (block[at]! ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) rejectTar(`the field ${field} is too large`);
  }
  return negative ? -value - 1 : value;
}

/** Parses a decimal number of a pax record: digits only. @throws {TsdError} layer_invalid */
export function parseDecimal(text: string, field: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) rejectTar(`the pax record ${field} isn't a number that can be handled`);
  return value;
}

/**
 * Parses a pax time such as `-1.5`; digits beyond nanoseconds are dropped.
 * @throws {TsdError} layer_invalid
 */
export function parseTime(text: string, field: string): { seconds: number; nanos: number } {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return rejectTar(`the pax record ${field} isn't a time`);
  const whole = Number(match[2]);
  const nanos = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanos };
  return nanos === 0 ? { seconds: 0 - whole, nanos } : { seconds: -whole - 1, nanos: 1e9 - nanos };
}

/** Writes `value` as octal text with a NUL at the end, or as base-256 if it doesn't fit. */
export function formatNumber(block: Uint8Array, offset: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < length) {
    const text = digits.padStart(length - 1, "0");
    for (let i = 0; i < text.length; i++) block[offset + i] = text.charCodeAt(i);
    return;
  }
  let rest = BigInt(value);
  for (let at = offset + length - 1; at >= offset; at--) {
    block[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[offset] = (block[offset]! & 0x7f) | 0x80;
}
