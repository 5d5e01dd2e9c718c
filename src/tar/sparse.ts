/**
 * Maps of sparse files (GNU tar manual, "Storing Sparse Files"): old GNU (type `S`), and the pax formats 0.0, 0.1 and
 * 1.0. Every map is checked: ascending, inside the file, and consistent with the stored data. Pure.
 */
import { type ByteString, byteStringOf } from "./byte_string.ts";
import type { SparseExtent } from "./entry.ts";
import { BLOCK_BYTES } from "./header.ts";
import { parseDecimal, parseNumber, rejectTar } from "./numbers.ts";
import type { PaxRecords } from "./pax.ts";

/** Maximum size of a map in the archive. */
const MAP_MAX_BYTES = 1 << 20;
/** Size of one `offset, length` pair in an old GNU map. */
const OLD_PAIR_BYTES = 24;

/** A sparse file according to its headers. `"in data"`: the map precedes the data (format 1.0). */
export interface SparseHeader {
  readonly realSizeBytes: number;
  readonly extents: SparseExtent[] | "in data";
  /** The file's real name, if the header's name is a placeholder. */
  readonly name: ByteString | undefined;
}

/**
 * Checks a map and returns it without empty extents, with adjacent ones joined.
 * @throws {TsdError} layer_invalid for an inconsistent map
 */
export function checkedExtents(
  extents: readonly SparseExtent[],
  realSizeBytes: number,
  storedBytes: number,
): readonly SparseExtent[] {
  if (realSizeBytes < 0) rejectTar("a sparse file has a negative size");
  let end = 0;
  let total = 0;
  // A map may be far larger than the archive's size suggests: empty extents are dropped at once.
  const merged: SparseExtent[] = [];
  for (const { offset, length } of extents) {
    if (offset < end || offset + length > realSizeBytes) rejectTar("a sparse file's map is out of order or bounds");
    const last = merged.at(-1);
    if (last !== undefined && length > 0 && end === offset && last.offset + last.length === offset) {
      merged[merged.length - 1] = { offset: last.offset, length: last.length + length };
    } else if (length > 0) merged.push({ offset, length });
    end = offset + length;
    total += length;
  }
  if (total !== storedBytes) rejectTar(`a sparse file's map covers ${total} bytes, but ${storedBytes} are stored`);
  return merged;
}

/** Returns the sparse file that pax records describe, if any. @throws {TsdError} layer_invalid */
export function sparseOfPax({ values, sparsePairs }: PaxRecords): SparseHeader | undefined {
  const major = values.get("GNU.sparse.major");
  const map = values.get("GNU.sparse.map");
  if (major === undefined && map === undefined && sparsePairs.length === 0) return undefined;
  const name = values.get("GNU.sparse.name");
  if (major === "1" && values.get("GNU.sparse.minor") === "0") {
    return { realSizeBytes: sizeRecord(values, "GNU.sparse.realsize"), extents: "in data", name };
  }
  if (major !== undefined && major !== "0") rejectTar(`unknown sparse format ${major.slice(0, 16)}`);
  const numbers = map === undefined ? sparsePairs : map === "" ? [] : map.split(",");
  const extents = pairsOf(numbers);
  const count = values.get("GNU.sparse.numblocks");
  if (count !== undefined && parseDecimal(count, "GNU.sparse.numblocks") !== extents.length) {
    rejectTar("a sparse file's map is incomplete");
  }
  return { realSizeBytes: sizeRecord(values, "GNU.sparse.size"), extents, name };
}

function sizeRecord(values: ReadonlyMap<ByteString, ByteString>, key: string): number {
  return parseDecimal(values.get(key) ?? "", key);
}

function pairsOf(numbers: readonly string[]): SparseExtent[] {
  if (numbers.length % 2 !== 0) rejectTar("a sparse file's map is incomplete");
  const extents: SparseExtent[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    extents.push({
      offset: parseDecimal(numbers[i]!, "GNU.sparse.map"),
      length: parseDecimal(numbers[i + 1]!, "GNU.sparse.map"),
    });
  }
  return extents;
}

/** Parses an old GNU map: four pairs in the header, then blocks of 21 while their flag indicates more. */
export class OldGnuSparseMap {
  readonly extents: SparseExtent[] = [];
  readonly realSizeBytes: number;
  #hasMoreBlocks: boolean;
  #bytes = 0;

  constructor(header: Uint8Array) {
    this.realSizeBytes = parseNumber(header, 483, 12, "realsize");
    this.#hasMoreBlocks = header[482] !== 0;
    this.#read(header, 386, 4);
  }

  /** Whether another block of the map follows. */
  get needsBlock(): boolean {
    return this.#hasMoreBlocks;
  }

  push(block: Uint8Array): void {
    this.#bytes += BLOCK_BYTES;
    if (this.#bytes > MAP_MAX_BYTES) rejectTar("a sparse file's map is too large");
    this.#hasMoreBlocks = block[504] !== 0;
    this.#read(block, 0, 21);
  }

  #read(block: Uint8Array, start: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = start + i * OLD_PAIR_BYTES;
      // An unused slot ends the map.
      if (block[at] === 0) return;
      const offset = parseNumber(block, at, 12, "sparse offset");
      const length = parseNumber(block, at + 12, 12, "sparse length");
      if (offset < 0 || length < 0) rejectTar("a sparse file's map holds a negative number");
      this.extents.push({ offset, length });
    }
  }
}

/** Parses a map of format 1.0: decimal lines at the start of the data (a count, then pairs), padded to a block. */
export class PaxSparseMap {
  #text = "";
  #bytes = 0;
  readonly #numbers: string[] = [];

  /** Bytes of the archive that the map has occupied so far. */
  get storedBytes(): number {
    return this.#bytes;
  }

  /** Adds the next block; returns the extents once the map is complete. @throws {TsdError} layer_invalid */
  push(block: Uint8Array): SparseExtent[] | undefined {
    this.#bytes += BLOCK_BYTES;
    if (this.#bytes > MAP_MAX_BYTES) rejectTar("a sparse file's map is too large");
    this.#text += byteStringOf(block, 0, BLOCK_BYTES);
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end < 0) break;
      this.#numbers.push(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 1);
      if (this.#isComplete()) return pairsOf(this.#numbers.slice(1));
    }
    // A number has at most 16 digits, so a longer line is invalid.
    if (this.#text.length > 32) rejectTar("a sparse file's map is malformed");
    return undefined;
  }

  #isComplete(): boolean {
    const count = parseDecimal(this.#numbers[0]!, "sparse map length");
    if (count > MAP_MAX_BYTES) rejectTar("a sparse file's map is too large");
    return this.#numbers.length === 1 + 2 * count;
  }
}
