/** Generates tars of millions of empty files quickly: one header whose name and checksum change. */
import { type Layer, makeLayer } from "./layer.ts";
import { encodeHeader } from "./tar_header.ts";

const BLOCK_BYTES = 512;
const ENTRIES_A_CHUNK = 1024;
/** The number of digits at the beginning of each name. */
const DIGITS = 7;
const CHECKSUM_AT = 148;

/** Builds a layer of such a tar; its files are `0000000` and so on. */
export function manyEntriesLayer(count: number, dir: string): Promise<Layer> {
  return makeLayer({ tar: manyEntries(count) }, { dir });
}

/** Yields the tar. */
export function* manyEntries(count: number): Iterable<Uint8Array> {
  const header = encodeHeader({ name: "0".repeat(DIGITS), type: "0", mode: 0o644 });
  const zeroSum = parseInt(new TextDecoder().decode(header.subarray(CHECKSUM_AT, CHECKSUM_AT + 6)), 8);
  for (let from = 0; from < count; from += ENTRIES_A_CHUNK) {
    const entries = Math.min(ENTRIES_A_CHUNK, count - from);
    const chunk = new Uint8Array(entries * BLOCK_BYTES);
    for (let at = 0; at < entries; at++) {
      chunk.set(header, at * BLOCK_BYTES);
      rename(chunk.subarray(at * BLOCK_BYTES), from + at, zeroSum);
    }
    yield chunk;
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

/** Writes the number into the name, and updates the checksum. */
function rename(block: Uint8Array, number: number, zeroSum: number): void {
  let [sum, rest] = [zeroSum, number];
  for (let digit = DIGITS - 1; rest > 0; digit--, rest = Math.floor(rest / 10)) {
    block[digit]! += rest % 10;
    sum += rest % 10;
  }
  for (let digit = 5, left = sum; digit >= 0; digit--, left >>= 3) block[CHECKSUM_AT + digit] = 0x30 + (left & 7);
}
