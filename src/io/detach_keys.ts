/**
 * @module
 * The key sequence that detaches a client from a container (`--detach-keys`, by default Ctrl-P Ctrl-Q), in Docker's
 * notation: single characters, `ctrl-` with a letter or one of `@ [ \ ] ^ _`, and `DEL`, separated by commas.
 */
import { TsdError } from "../errors.ts";

/** Docker's default. */
export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

const DELETE = 127;
const CONTROL = /^ctrl-([a-z@[\\\]^_])$/;

/**
 * Returns the bytes that a terminal sends for a sequence of keys; an empty text means the default.
 * @throws {TsdError} invalid_argument with the Engine API's message
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
  // Docker's table has this key with a doubled backslash.
  const control = CONTROL.exec(key === "ctrl-\\\\" ? "ctrl-\\" : key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) - "@".charCodeAt(0);
  return key.length === 1 && key.charCodeAt(0) <= DELETE ? key.charCodeAt(0) : undefined;
}

/** Result of scanning some input. */
export interface ScannedInput {
  /**
   * Input for the container: everything before the sequence. Bytes that may be the start of the sequence are withheld.
   */
  readonly passed: Uint8Array;
  /** Whether the sequence was typed; input after it is dropped. */
  readonly detached: boolean;
}

const NO_BYTES = new Uint8Array();

/** Finds the detach sequence in one client's input, however the input is split into chunks. */
export class DetachScanner {
  readonly #keys: Uint8Array;
  /**
   * For each length of a partial match: the length of the partial match to continue with if the next byte doesn't
   * match.
   */
  readonly #fallbacks: readonly number[];
  #matched = 0;
  #detached = false;

  /** @param keys as returned by {@link parseDetachKeys}; at least one */
  constructor(keys: Uint8Array) {
    this.#keys = keys;
    this.#fallbacks = fallbacksOf(keys);
  }

  /** Scans the next bytes. `passed` may be a view of them. */
  push(bytes: Uint8Array): ScannedInput {
    if (this.#detached) return { passed: NO_BYTES, detached: true };
    if (this.#matched === 0 && !bytes.includes(this.#keys[0])) return { passed: bytes, detached: false };
    const passed = new Uint8Array(this.#matched + bytes.length);
    let length = 0;
    for (const byte of bytes) {
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) {
        const prefix = this.#fallbacks[this.#matched];
        passed.set(this.#keys.subarray(0, this.#matched - prefix), length);
        length += this.#matched - prefix;
        this.#matched = prefix;
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

  /** Ends the input and returns the withheld bytes, which belong to the container. */
  end(): Uint8Array {
    const withheld = this.#detached ? NO_BYTES : this.#keys.slice(0, this.#matched);
    this.#matched = 0;
    return withheld;
  }
}

/**
 * Knuth-Morris-Pratt failure function: entry N is the length of the longest proper prefix of keys[0..N) that is also
 * its suffix.
 */
function fallbacksOf(keys: Uint8Array): number[] {
  const fallbacks = [0, 0];
  for (let length = 1; length < keys.length; length++) {
    let prefix = fallbacks[length];
    while (prefix > 0 && keys[prefix] !== keys[length]) prefix = fallbacks[prefix];
    fallbacks.push(keys[prefix] === keys[length] ? prefix + 1 : 0);
  }
  return fallbacks;
}
