/**
 * The tar state machine: bytes in any portions go in, entries and pieces of their data come out, all synchronously, so
 * that thirty thousand small entries cost no promise each. Headers are parsed by the pure functions beside it.
 */
import { TsdError } from "../errors.ts";
import type { SparseExtent, TarEntry } from "./entry.ts";
import { Extensions, isExtension, type ResolvedHeader } from "./extensions.ts";
import { BLOCK_BYTES, isZeroBlock, paddingOf, parseHeader } from "./header.ts";
import { refuse } from "./numbers.ts";
import { EXTENSION_MAX_BYTES, NAME_MAX_BYTES } from "./pax.ts";
import { checkedExtents, OldGnuSparseMap, PaxSparseMap } from "./sparse.ts";

/** An entry, or the next piece of the last entry's data (a view that holds until the next `feed`). */
export type TarItem = TarEntry | Uint8Array;

export interface TarDecoderOptions {
  /**
   * Gets every byte of the archive that isn't data of an entry, in order: headers, sparse maps, padding, what follows
   * the end. The views hold during the call only.
   */
  readonly skeleton?: (bytes: Uint8Array) => void;
}

type State = "header" | "extension" | "sparse" | "data" | "padding" | "trailer" | "end";

const NOTHING = new Uint8Array(0);

/** Use: `feed` a portion, call `next` until it gives undefined, and so on; `finish` at the end of the input. */
export class TarDecoder {
  readonly #skeleton: ((bytes: Uint8Array) => void) | undefined;
  readonly #extensions = new Extensions();
  #state: State = "header";
  /** The portion being read, and how far. */
  #window: Uint8Array = NOTHING;
  #at = 0;
  /** The start of a block whose rest is in the next portion. */
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  /** Bytes of the archive that were taken. */
  #offset = 0;
  #index = 0;
  /** Bytes of data or padding still to come. */
  #left = 0;
  #padding = 0;
  #extensionFlag = "";
  #extensionBytes = 0;
  #resolved: ResolvedHeader | undefined;
  #oldMap: OldGnuSparseMap | undefined;
  #paxMap: PaxSparseMap | undefined;

  constructor(options: TarDecoderOptions = {}) {
    this.#skeleton = options.skeleton;
  }

  /** Gives the next portion; all of the last one must have been taken by `next`. It is not kept once it was taken. */
  feed(bytes: Uint8Array): void {
    if (this.#at < this.#window.length) throw new TsdError("internal", "TarDecoder was fed before it was drained");
    this.#window = bytes;
    this.#at = 0;
  }

  /**
   * The next entry or piece of data; undefined: more input is needed.
   * @throws {TsdError} layer_invalid
   */
  next(): TarItem | undefined {
    for (;;) {
      if (this.#state === "data") {
        if (this.#left > 0) return this.#takeData();
        this.#left = this.#padding;
        this.#state = "padding";
      }
      const item = this.#step();
      if (item !== "again") return item;
    }
  }

  /** To be called at the end of the input. @throws {TsdError} layer_invalid: the archive is cut off */
  finish(): void {
    // Like GNU tar and Go's archive/tar: an archive may end without its two blocks of zeros, but not inside an entry.
    const isWhole = (this.#state === "header" || this.#state === "trailer" || this.#state === "end") &&
      this.#partial === undefined && !this.#extensions.isPending;
    if (!isWhole) refuse(`it ends in the middle of an entry, after ${this.#offset} bytes`);
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
      if (this.#extensions.isPending) refuse("an extended header has no entry");
      this.#state = "trailer";
      return "again";
    }
    const raw = parseHeader(block);
    if (isExtension(raw.flag)) {
      this.#openExtension(raw.flag, raw.size);
      return "again";
    }
    this.#resolved = this.#extensions.resolve(raw, block);
    this.#left = this.#resolved.bodyBytes;
    this.#padding = paddingOf(this.#left);
    if (raw.flag === "S") this.#oldMap = new OldGnuSparseMap(block);
    else if (this.#resolved.sparse?.extents === "in data") this.#paxMap = new PaxSparseMap();
    else return this.#entry(this.#resolved.sparse?.extents as SparseExtent[] | undefined);
    this.#state = "sparse";
    return "again";
  }

  #openExtension(flag: string, sizeBytes: number): void {
    const isName = flag === "L" || flag === "K";
    // One more for the NUL that GNU tar counts.
    const limit = isName ? NAME_MAX_BYTES + 1 : EXTENSION_MAX_BYTES;
    if (sizeBytes > limit) refuse(`an extended header of type ${flag} has ${sizeBytes} bytes, the limit is ${limit}`);
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
    if (old !== undefined && !old.wantsBlock) return this.#entry(old.extents, old.realSizeBytes);
    if (old === undefined && this.#left < BLOCK_BYTES) refuse("a sparse file's map is incomplete");
    const block = this.#take(BLOCK_BYTES);
    if (block === undefined) return undefined;
    if (old !== undefined) {
      old.push(block);
      return "again";
    }
    // A map of format 1.0 counts as data of the entry, one of old GNU doesn't.
    this.#left -= BLOCK_BYTES;
    const extents = this.#paxMap!.push(block);
    return extents === undefined ? "again" : this.#entry(extents);
  }

  #entry(extents: SparseExtent[] | undefined, realSizeBytes?: number): TarEntry {
    const { header } = this.#resolved!;
    const sizeBytes = realSizeBytes ?? header.sizeBytes;
    const sparse = extents === undefined ? undefined : checkedExtents(extents, sizeBytes, this.#left);
    this.#resolved = this.#oldMap = this.#paxMap = undefined;
    this.#state = "data";
    return {
      ...header,
      sizeBytes,
      index: this.#index++,
      dataOffset: this.#offset,
      storedBytes: this.#left,
      sparse,
    };
  }

  #stepPadding(): "again" | undefined {
    const count = Math.min(this.#window.length - this.#at, this.#state === "end" ? Infinity : this.#left);
    if (count > 0) this.#pass(count);
    if (this.#state === "end") return undefined;
    this.#left -= count;
    if (this.#left > 0) return undefined;
    this.#state = "header";
    return "again";
  }

  #stepTrailer(): "again" | undefined {
    const block = this.#take(BLOCK_BYTES);
    if (block === undefined) return undefined;
    if (!isZeroBlock(block)) refuse("an entry follows a block of zeros");
    this.#state = "end";
    return "again";
  }

  #takeData(): Uint8Array | undefined {
    const count = Math.min(this.#window.length - this.#at, this.#left);
    if (count === 0) return undefined;
    const start = this.#at;
    this.#at += count;
    this.#left -= count;
    this.#offset += count;
    return this.#window.subarray(start, this.#at);
  }

  /** `count` bytes in one piece, joined over portions where need be; undefined: more input is needed. */
  #take(count: number): Uint8Array | undefined {
    if (this.#partial === undefined) {
      if (this.#window.length - this.#at >= count) return this.#pass(count);
      if (this.#window.length === this.#at) return undefined;
      this.#partial = new Uint8Array(count);
      this.#partialBytes = 0;
    }
    const part = this.#window.subarray(this.#at, this.#at + count - this.#partialBytes);
    this.#partial.set(part, this.#partialBytes);
    this.#partialBytes += part.length;
    this.#pass(part.length);
    if (this.#partialBytes < count) return undefined;
    const whole = this.#partial;
    this.#partial = undefined;
    return whole;
  }

  #pass(count: number): Uint8Array {
    const view = this.#window.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.#offset += count;
    this.#skeleton?.(view);
    return view;
  }
}
