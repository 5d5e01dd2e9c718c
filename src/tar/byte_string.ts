/**
 * Names and pax values in a tar are bytes, not text: Linux allows any byte but NUL and `/`. A `ByteString` holds one
 * byte in each char (0 to 255, Latin-1), so that names compare, split and hash as strings without loss.
 */
export type ByteString = string;

/** Chars per call of `String.fromCharCode`; engines limit the number of arguments. */
const CHUNK = 8192;

/** Converts the bytes from `start` to `end`, one char each. */
export function byteStringOf(bytes: Uint8Array, start = 0, end = bytes.length): ByteString {
  let text = "";
  for (let from = start; from < end; from += CHUNK) {
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(from, Math.min(end, from + CHUNK)));
  }
  return text;
}

/** Converts a byte string to bytes. */
export function bytesOf(text: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Encodes `text` as UTF-8 in a byte string. */
export function byteStringFromText(text: string): ByteString {
  return byteStringOf(new TextEncoder().encode(text));
}

/** Quotes a byte string for a message: decoded as UTF-8, control characters escaped, at most 120 characters. */
export function quoted(text: ByteString): string {
  const readable = new TextDecoder().decode(bytesOf(text.slice(0, 480)));
  return JSON.stringify(readable.length > 120 ? `${readable.slice(0, 117)}...` : readable);
}
