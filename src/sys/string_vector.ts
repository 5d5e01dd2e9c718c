/**
 * @module
 * Lists of strings as execve(2) takes them.
 */
import { addressOf } from "./address.ts";
import { type CString, cString } from "./cstring.ts";

/** `char *const []`: one block that holds all strings, and their addresses with a NULL at the end. */
export class StringVector {
  readonly addresses: BigUint64Array<ArrayBuffer>;
  readonly #block: Uint8Array<ArrayBuffer>;

  constructor(strings: readonly CString[]) {
    this.addresses = new BigUint64Array(strings.length + 1);
    // One byte more, as an empty block has no address.
    this.#block = new Uint8Array(strings.reduce((sum, s) => sum + s.length, 1));
    const base = addressOf(this.#block);
    let offset = 0;
    for (const [i, string] of strings.entries()) {
      this.#block.set(string, offset);
      this.addresses[i] = base + BigInt(offset);
      offset += string.length;
    }
  }

  /** Call it after the last use of the addresses, so that the block stays reachable until then. */
  keep(): number {
    return this.#block.length;
  }
}

/** Encodes an environment as `NAME=value` strings. @throws {TsdError} invalid_argument when one contains a NUL */
export function environmentVector(env: Readonly<Record<string, string>>): StringVector {
  return new StringVector(Object.entries(env).map(([name, value]) => cString(`${name}=${value}`)));
}
