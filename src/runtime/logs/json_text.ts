/**
 * @module
 * Encodes UTF-8 bytes as the contents of a JSON string, bytewise: creating a string for each line would be the largest
 * part of the cost. `<`, `>`, `&`, U+2028 and U+2029 are escaped as in Go's encoder.
 */

const PLAIN = 0;
const ESCAPED = 1;
const MULTIBYTE = 2;

/** The class of each byte. */
const CLASS = new Uint8Array(256).map((_, byte) => byte >= 0x80 ? MULTIBYTE : mustBeEscaped(byte) ? ESCAPED : PLAIN);
/** The escape sequence of each ASCII byte. */
const ESCAPES = Array.from({ length: 0x80 }, (_, byte) => new TextEncoder().encode(escapeOf(byte)));
const LINE_SEPARATOR = new TextEncoder().encode("\\u2028");
const PARAGRAPH_SEPARATOR = new TextEncoder().encode("\\u2029");
const REPLACEMENT = new TextEncoder().encode("\ufffd");

/** Maximum number of bytes that one byte of text expands to. */
export const MAX_JSON_EXPANSION = 6;

/**
 * Writes `text` to `out`, starting at `at`. Each byte that is not part of a valid UTF-8 character becomes U+FFFD.
 * @returns the end of the output, or its complement (`~end`) if the text was not valid UTF-8
 */
export function writeJsonText(text: Uint8Array, out: Uint8Array, at: number): number {
  let classes = PLAIN;
  let to = at;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i];
    classes |= CLASS[byte];
    out[to++] = byte;
  }
  return classes === PLAIN ? to : writeSpecial(text, out, at);
}

function writeSpecial(text: Uint8Array, out: Uint8Array, at: number): number {
  let to = at;
  let isBroken = false;
  for (let i = 0; i < text.length;) {
    const byte = text[i];
    const kind = CLASS[byte];
    if (kind === PLAIN) {
      out[to++] = byte;
      i++;
    } else if (kind === ESCAPED) {
      const escape = ESCAPES[byte];
      for (let j = 0; j < escape.length; j++) out[to++] = escape[j];
      i++;
    } else {
      const length = sequenceLength(text, i);
      if (length === 0) {
        isBroken = true;
        for (let j = 0; j < REPLACEMENT.length; j++) out[to++] = REPLACEMENT[j];
        i++;
      } else if (isSeparator(text, i)) {
        out.set(text[i + 2] === 0xa8 ? LINE_SEPARATOR : PARAGRAPH_SEPARATOR, to);
        to += LINE_SEPARATOR.length;
        i += length;
      } else for (const end = i + length; i < end; i++) out[to++] = text[i];
    }
  }
  return isBroken ? ~to : to;
}

/** Returns whether the character at `i` is U+2028 or U+2029. */
function isSeparator(text: Uint8Array, i: number): boolean {
  return text[i] === 0xe2 && text[i + 1] === 0x80 && (text[i + 2] & 0xfe) === 0xa8;
}

/** Returns the length of the non-ASCII character at `i`, in bytes; 0 if there is no valid one (RFC 3629 §4). */
function sequenceLength(text: Uint8Array, i: number): number {
  const first = text[i];
  const second = text[i + 1];
  if (first < 0xc2 || first > 0xf4 || !isTail(second)) return 0;
  if (first < 0xe0) return 2;
  if (!isTail(text[i + 2])) return 0;
  if (first < 0xf0) return (first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f) ? 0 : 3;
  if (!isTail(text[i + 3])) return 0;
  return (first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f) ? 0 : 4;
}

/** Returns whether a byte is a UTF-8 continuation byte. `undefined`, read past the end, is none. */
function isTail(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function mustBeEscaped(byte: number): boolean {
  return byte < 0x20 || '"\\<>&'.includes(String.fromCharCode(byte));
}

function escapeOf(byte: number): string {
  const char = String.fromCharCode(byte);
  return "<>&".includes(char) ? `\\u${byte.toString(16).padStart(4, "0")}` : JSON.stringify(char).slice(1, -1);
}

const BASE64 = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const PADDING = 0x3d;

/** Writes `bytes`, followed by `last` if it is given, in base64 (RFC 4648 §4). Returns the end of the output. */
export function writeBase64(bytes: Uint8Array, last: number | undefined, out: Uint8Array, at: number): number {
  const { length } = bytes;
  const count = last === undefined ? length : length + 1;
  let to = at;
  for (let i = 0; i < count; i += 3) {
    // Bytes past the end count as 0.
    const [second, third] = [i + 1 < length ? bytes[i + 1] : 0, i + 2 < length ? bytes[i + 2] : 0];
    let group = (i < length ? bytes[i] << 16 : 0) | (second << 8) | third;
    if (last !== undefined && length - i < 3) group |= last << (8 * (2 - (length - i)));
    out[to] = BASE64[group >> 18];
    out[to + 1] = BASE64[(group >> 12) & 63];
    out[to + 2] = i + 1 < count ? BASE64[(group >> 6) & 63] : PADDING;
    out[to + 3] = i + 2 < count ? BASE64[group & 63] : PADDING;
    to += 4;
  }
  return to;
}
