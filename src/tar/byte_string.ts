/**
 * Names and pax values in a tar are bytes, not text: Linux allows any byte but NUL and `/`. A `ByteString` holds one byte
 * in each char (0 to 255, Latin-1), so that names compare, split and hash as strings and lose nothing.
 */
export type ByteString = string;

/** Chars that one call of `String.fromCharCode` gets; engines limit the number of arguments. */
const CHUNK = 8192;

/** The bytes of `bytes` from `start` to `end`, one char each. */
export function byteStringOf(bytes: Uint8Array, start = 0, end = bytes.length): ByteString {
  let text = "";
  for (let from = start; from < end; from += CHUNK) {
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(from, Math.min(end, from + CHUNK)));
  }
  return text;
}

/** The bytes of a byte string. */
export function bytesOf(text: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The UTF-8 bytes of `text` as a byte string. */
export function byteStringFromText(text: string): ByteString {
  return byteStringOf(new TextEncoder().encode(text));
}

/** A byte string as quoted text for a message: read as UTF-8, control characters escaped, at most 120 characters. */
export function quoted(text: ByteString): string {
  const readable = new TextDecoder().decode(bytesOf(text.slice(0, 480)));
  return JSON.stringify(readable.length > 120 ? `${readable.slice(0, 117)}...` : readable);
}
