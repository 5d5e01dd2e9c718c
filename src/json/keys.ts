/**
 * @module
 * Keys of objects in JSON text (RFC 8259). `JSON.parse` keeps the last of several equal keys and loses the values of the
 * others, so duplicates can only be found in the text.
 */

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPENING_LIST, CLOSING_LIST, OPENING_OBJECT, CLOSING_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Measures how deep lists and objects are nested, and counts all keys, in one pass. The text may be invalid. */
export function measureJson(text: string): { readonly depth: number; readonly keys: number } {
  let [depth, deepest, keys] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === COLON) keys++;
    else if (char === OPENING_OBJECT || char === OPENING_LIST) {
      if (++depth > deepest) deepest = depth;
    } else if (char === CLOSING_OBJECT || char === CLOSING_LIST) depth--;
  }
  return { depth: deepest, keys };
}

/** Returns the index of the closing quote of the string that begins at `start`, or the text's length. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    // Backslashes in pairs escape each other, and not the quote.
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/**
 * Returns the first key that one object of a JSON text has twice, or undefined. Cheap for a text without duplicates: its value
 * has as many keys as the text.
 * @param value the parsed text
 * @param size the result of {@link measureJson}, if known
 */
export function duplicateKey(text: string, value: unknown, size = measureJson(text)): string | undefined {
  if (countKeys(value) === size.keys) return undefined;
  for (const { key, object: { seen } } of objectKeys(text)) {
    if (seen.has(key)) return key;
    seen.set(key, key);
  }
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const each of inner) count += countKeys(each);
  return count;
}

/** An object of the text. */
export interface WalkedObject {
  /** The key of its parent that holds it; empty in a list and at the top. */
  readonly name: string;
  /** For the caller: the keys that it has seen in this object. */
  readonly seen: Map<string, string>;
}

interface Level {
  readonly object: WalkedObject | undefined;
  key: string;
}

/** Yields the keys of all objects of a valid JSON text, in the order of the text. */
export function* objectKeys(text: string): Generator<{ readonly key: string; readonly object: WalkedObject }> {
  const levels: Level[] = [];
  let pending = "";
  for (const token of tokens(text)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ object: { name: level?.key ?? "", seen: new Map() }, key: "" });
    else if (token === "[") levels.push({ object: undefined, key: "" });
    else if (token === "}" || token === "]") levels.pop();
    else if (token === ":") {
      level!.key = JSON.parse(pending);
      yield { key: level!.key, object: level!.object! };
    } else if (token === ",") level!.key = "";
    else pending = token;
  }
}

/** Strings (whole, quotes included) and structural characters. */
function* tokens(text: string): Generator<string, void, void> {
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      const start = at;
      at = endOfString(text, start);
      yield text.slice(start, at + 1);
    } else if ("{}[],:".includes(char)) yield char;
  }
}
