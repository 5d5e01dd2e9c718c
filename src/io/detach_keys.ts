/**
 * @module
 * The keys that end a client's attachment and leave the container alone (`--detach-keys`, by default Ctrl-P Ctrl-Q), in
 * Docker's notation: single characters, `ctrl-` with a letter or one of `@ [ \ ] ^ _`, and `DEL`, with commas between.
 */
import { TsdError } from "../errors.ts";

/** Docker's. */
export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

const DELETE = 127;
const CONTROL = /^ctrl-([a-z@[\\\]^_])$/;

/**
 * The bytes that a terminal sends for a sequence of keys; an empty text means the default.
 * @throws {TsdError} invalid_argument with the Engine API's text
 */
export function parseDetachKeys(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from((text === "" ? DEFAULT_DETACH_KEYS : text).split(","), (key) => {
    const code = codeOf(key);
    if (code === undefined) throw new TsdError("invalid_argument", `Invalid detach keys (${text}) provided`);
    return code;
  });
}

function codeOf(key: string): number | undefined {
  if (key === "DEL") return DELETE;
  // Docker's table has this one with its backslash doubled.
  const control = CONTROL.exec(key === "ctrl-\\\\" ? "ctrl-\\" : key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) - "@".charCodeAt(0);
  return key.length === 1 && key.charCodeAt(0) <= DELETE ? key.charCodeAt(0) : undefined;
}

/** What became of some bytes of input. */
export interface ScannedInput {
  /** For the container: everything before the sequence. A part of it that may yet become the sequence is held back. */
  readonly passed: Uint8Array;
  /** The sequence was typed; what came after it is dropped. */
  readonly detached: boolean;
}

const NOTHING = new Uint8Array();

/** Looks for the sequence in one client's input, however it is cut into pieces. */
export class DetachScanner {
  readonly #keys: Uint8Array;
  /** For each length of a match that fails at the next byte: how much of its end is a beginning again. */
  readonly #fallbacks: readonly number[];
  #matched = 0;
  #detached = false;

  /** @param keys as {@link parseDetachKeys} gives them, one at least */
  constructor(keys: Uint8Array) {
    this.#keys = keys;
    this.#fallbacks = fallbacksOf(keys);
  }

  /** Takes the next bytes. `passed` may be a view of them. */
  push(bytes: Uint8Array): ScannedInput {
    if (this.#detached) return { passed: NOTHING, detached: true };
    if (this.#matched === 0 && !bytes.includes(this.#keys[0])) return { passed: bytes, detached: false };
    const passed = new Uint8Array(this.#matched + bytes.length);
    let length = 0;
    for (const byte of bytes) {
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) {
        const kept = this.#fallbacks[this.#matched];
        passed.set(this.#keys.subarray(0, this.#matched - kept), length);
        length += this.#matched - kept;
        this.#matched = kept;
      }
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else passed[length++] = byte;
      if (this.#matched === this.#keys.length) {
        this.#detached = true;
        break;
      }
    }
    return { passed: passed.subarray(0, length), detached: this.#detached };
  }

  /** The input has ended: what was held back is for the container after all. */
  end(): Uint8Array {
    const held = this.#detached ? NOTHING : this.#keys.slice(0, this.#matched);
    this.#matched = 0;
    return held;
  }
}

/** Knuth, Morris and Pratt: entry N is the length of the longest proper beginning of keys[0..N) that is also its end. */
function fallbacksOf(keys: Uint8Array): number[] {
  const fallbacks = [0, 0];
  for (let length = 1; length < keys.length; length++) {
    let kept = fallbacks[length];
    while (kept > 0 && keys[kept] !== keys[length]) kept = fallbacks[kept];
    fallbacks.push(keys[kept] === keys[length] ? kept + 1 : 0);
  }
  return fallbacks;
}
