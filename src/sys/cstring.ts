/**
 * @module
 * Strings as the kernel takes them: bytes that end with NUL and contain no other NUL.
 */
import { TsdError } from "../errors.ts";

declare const cStringBrand: unique symbol;

/** Bytes that end with one NUL. Only {@link cString} and {@link cBytes} create them. */
export type CString = Uint8Array<ArrayBuffer> & { readonly [cStringBrand]: true };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes `text` as UTF-8 with a NUL at the end. @throws {TsdError} invalid_argument when it contains a NUL */
export function cString(text: string): CString {
  if (text.includes("\0")) throw embeddedNulError(text);
  return encoder.encode(text + "\0") as CString;
}

/**
 * Converts a byte string (each character is one byte, U+0000 to U+00FF) and adds a NUL: names in a tar archive are
 * bytes, not text.
 * @throws {TsdError} invalid_argument when it contains a NUL or a character above U+00FF
 */
export function cBytes(latin1: string): CString {
  const bytes = new Uint8Array(latin1.length + 1);
  for (let i = 0; i < latin1.length; i++) {
    const code = latin1.charCodeAt(i);
    if (code === 0) throw embeddedNulError(latin1);
    if (code > 0xff) {
      throw new TsdError(
        "invalid_argument",
        `Not a byte string: ${JSON.stringify(latin1)} has a character above U+00FF`,
      );
    }
    bytes[i] = code;
  }
  return bytes as CString;
}

/** Decodes a C string for messages: UTF-8, with invalid bytes replaced. */
export function cText(bytes: CString): string {
  return decoder.decode(bytes.subarray(0, bytes.length - 1));
}

function embeddedNulError(text: string): TsdError {
  return new TsdError("invalid_argument", `A name for the kernel cannot hold a NUL byte: ${JSON.stringify(text)}`);
}
