/**
 * The tar state machine. It takes bytes in portions of any size and returns entries and pieces of their data, all
 * synchronously, so that an archive of thirty thousand small entries needs no promise for each. Headers are parsed by
 * the pure functions of this directory.
 */
import { TsdError } from "../errors.ts";
import type { SparseExtent, TarEntry } from "./entry.ts";
import { Extensions, isExtension, type ResolvedHeader } from "./extensions.ts";
import { BLOCK_BYTES, isZeroBlock, paddingOf, parseHeader } from "./header.ts";
import { rejectTar } from "./numbers.ts";
import { EXTENSION_MAX_BYTES, NAME_MAX_BYTES } from "./pax.ts";
import { checkedExtents, OldGnuSparseMap, PaxSparseMap } from "./sparse.ts";

/** An entry, or the next piece of the last entry's data (a view that is valid until the next `feed`). */
export type TarItem = TarEntry | Uint8Array;

export interface TarDecoderOptions {
  /**
   * Receives every byte of the archive that isn't data of an entry, in order: headers, sparse maps, padding, and what
   * follows the end. The views are valid during the call only.
   */
  readonly skeleton?: (bytes: Uint8Array) => void;
}

type State = "header" | "extension" | "sparse" | "data" | "padding" | "trailer" | "end";

const NO_BYTES = new Uint8Array(0);

/**
 * Decodes a tar. Call `feed` with a portion, then `next` until it returns undefined; repeat. Call `finish` at the end
 * of the input.
 */
export class TarDecoder {
  readonly #skeleton: ((bytes: Uint8Array) => void) | undefined;
  readonly #extensions = new Extensions();
  #state: State = "header";
  /** The current portion, and the position in it. */
  #window: Uint8Array = NO_BYTES;
  #at = 0;
  /** A block or header that continues in the next portion, and its bytes so far. */
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  /** Bytes of the archive consumed so far. */
  #offset = 0;
  #index = 0;
  /** Remaining bytes of data or padding. */
  #remainingBytes = 0;
  #padding = 0;
  #extensionFlag = "";
  #extensionBytes = 0;
  #resolved: ResolvedHeader | undefined;
  #oldMap: OldGnuSparseMap | undefined;
  #paxMap: PaxSparseMap | undefined;

  constructor(options: TarDecoderOptions = {}) {
    this.#skeleton = options.skeleton;
  }

  /** Supplies the next portion, after `next` has consumed the last one. The decoder doesn't keep it afterwards. */
  feed(bytes: Uint8Array): void {
    if (this.#at < this.#window.length) throw new TsdError("internal", "TarDecoder was fed before it was drained");
    this.#window = bytes;
    this.#at = 0;
  }

  /**
   * Returns the next entry or piece of data; undefined if more input is needed.
   * @throws {TsdError} layer_invalid
   */
  next(): TarItem | undefined {
    for (;;) {
      if (this.#state === "data") {
        if (this.#remainingBytes > 0) return this.#takeData();
        this.#remainingBytes = this.#padding;
        this.#state = "padding";
      }
      const item = this.#step();
      if (item !== "again") return item;
    }
  }

  /**
   * Checks that the archive is complete; call it at the end of the input.
   * @throws {TsdError} layer_invalid if the archive is truncated
   */
  finish(): void {
    // As in GNU tar and Go's archive/tar, an archive may end without its two zero blocks, but not inside an entry.
    const isWhole = (this.#state === "header" || this.#state === "trailer" || this.#state === "end") &&
      this.#partial === undefined && !this.#extensions.isPending;
    if (!isWhole) rejectTar(`it ends in the middle of an entry, after ${this.#offset} bytes`);
  }

  #step(): TarEntry | "again" | undefined {
    switch (this.#state) {
      case "header":
        return this.#stepHeader();
      case "extension":
        return this.#stepExtension();
      case "sparse":
        return this.#stepSparse();
      case "trailer":
        return this.#stepTrailer();
      default:
        return this.#stepPadding();
    }
  }

  #stepHeader(): TarEntry | "again" | undefined {
    const block = this.#take(BLOCK_BYTES);
    if (block === undefined) return undefined;
    if (block[0] === 0 && isZeroBlock(block)) {
      if (this.#extensions.isPending) rejectTar("an extended header has no entry");
      this.#state = "trailer";
      return "again";
    }
    const raw = parseHeader(block);
    if (isExtension(raw.flag)) {
      this.#openExtension(raw.flag, raw.size);
      return "again";
    }
    this.#resolved = this.#extensions.resolve(raw, block);
    this.#remainingBytes = this.#resolved.bodyBytes;
    this.#padding = paddingOf(this.#remainingBytes);
    if (raw.flag === "S") this.#oldMap = new OldGnuSparseMap(block);
    else if (this.#resolved.sparse?.extents === "in data") this.#paxMap = new PaxSparseMap();
    else return this.#entry(this.#resolved.sparse?.extents as SparseExtent[] | undefined);
    this.#state = "sparse";
    return "again";
  }

  #openExtension(flag: string, sizeBytes: number): void {
    const isName = flag === "L" || flag === "K";
    // One more for the NUL that GNU tar includes.
    const limit = isName ? NAME_MAX_BYTES + 1 : EXTENSION_MAX_BYTES;
    if (sizeBytes > limit) {
      rejectTar(`an extended header of type ${flag} has ${sizeBytes} bytes, the limit is ${limit}`);
    }
    this.#extensionFlag = flag;
    this.#extensionBytes = sizeBytes;
    this.#state = "extension";
  }

  #stepExtension(): "again" | undefined {
    const body = this.#take(this.#extensionBytes + paddingOf(this.#extensionBytes));
    if (body === undefined) return undefined;
    this.#extensions.add(this.#extensionFlag, body.subarray(0, this.#extensionBytes));
    this.#state = "header";
    return "again";
  }

  #stepSparse(): TarEntry | "again" | undefined {
    const old = this.#oldMap;
    if (old !== undefined && !old.needsBlock) return this.#entry(old.extents, old.realSizeBytes);
    if (old === undefined && this.#remainingBytes < BLOCK_BYTES) rejectTar("a sparse file's map is incomplete");
    const block = this.#take(BLOCK_BYTES);
    if (block === undefined) return undefined;
    if (old !== undefined) {
      old.push(block);
      return "again";
    }
    // A map of format 1.0 is part of the entry's data, one of old GNU isn't.
    this.#remainingBytes -= BLOCK_BYTES;
    const extents = this.#paxMap!.push(block);
    return extents === undefined ? "again" : this.#entry(extents);
  }

  #entry(extents: SparseExtent[] | undefined, realSizeBytes?: number): TarEntry {
    const { header } = this.#resolved!;
    const sizeBytes = realSizeBytes ?? header.sizeBytes;
    const sparse = extents === undefined ? undefined : checkedExtents(extents, sizeBytes, this.#remainingBytes);
    this.#resolved = this.#oldMap = this.#paxMap = undefined;
    this.#state = "data";
    return {
      ...header,
      sizeBytes,
      index: this.#index++,
      dataOffset: this.#offset,
      storedBytes: this.#remainingBytes,
      sparse,
    };
  }

  #stepPadding(): "again" | undefined {
    const count = Math.min(this.#window.length - this.#at, this.#state === "end" ? Infinity : this.#remainingBytes);
    if (count > 0) this.#consume(count);
    if (this.#state === "end") return undefined;
    this.#remainingBytes -= count;
    if (this.#remainingBytes > 0) return undefined;
    this.#state = "header";
    return "again";
  }

  #stepTrailer(): "again" | undefined {
    const block = this.#take(BLOCK_BYTES);
    if (block === undefined) return undefined;
    if (!isZeroBlock(block)) rejectTar("an entry follows a block of zeros");
    this.#state = "end";
    return "again";
  }

  #takeData(): Uint8Array | undefined {
    const count = Math.min(this.#window.length - this.#at, this.#remainingBytes);
    if (count === 0) return undefined;
    const start = this.#at;
    this.#at += count;
    this.#remainingBytes -= count;
    this.#offset += count;
    return this.#window.subarray(start, this.#at);
  }

  /** Consumes `count` contiguous bytes, joined across portions if necessary; undefined if more input is needed. */
  #take(count: number): Uint8Array | undefined {
    if (this.#partial === undefined) {
      if (this.#window.length - this.#at >= count) return this.#consume(count);
      if (this.#window.length === this.#at) return undefined;
      this.#partial = new Uint8Array(count);
      this.#partialBytes = 0;
    }
    const part = this.#window.subarray(this.#at, this.#at + count - this.#partialBytes);
    this.#partial.set(part, this.#partialBytes);
    this.#partialBytes += part.length;
    this.#consume(part.length);
    if (this.#partialBytes < count) return undefined;
    const whole = this.#partial;
    this.#partial = undefined;
    return whole;
  }

  #consume(count: number): Uint8Array {
    const view = this.#window.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.#offset += count;
    this.#skeleton?.(view);
    return view;
  }
}
