/**
 * @module
 * Cuts a byte stream into lines, and lines that are too long for one record into pieces. Docker cuts after 16 KiB, even
 * in the middle of a character; here the character goes into the next piece whole.
 */

/** Longest piece of one line that gets a record of its own. Bytes, without the newline. */
export const MAX_RECORD_BYTES = 16 << 10;

/** Takes a piece, which is valid during the call only; says whether it takes more now. */
export type PieceSink = (piece: Uint8Array, kind: PieceKind) => boolean;

/** Where in its line a piece is. */
export interface PieceKind {
  /** A newline ended it. */
  readonly complete: boolean;
  /** Its line began in an earlier piece. */
  readonly continues: boolean;
}

const NEWLINE = 10;
const WHOLE: PieceKind = { complete: true, continues: false };
const FIRST: PieceKind = { complete: false, continues: false };
const MIDDLE: PieceKind = { complete: false, continues: true };
const LAST: PieceKind = { complete: true, continues: true };

/** See the module's comment. One for each stream; keeps what has no end yet. */
export class LineSplitter {
  readonly #sink: PieceSink;
  /** Made when it is first needed: most streams come in whole lines. */
  #rest: Uint8Array | undefined;
  #restBytes = 0;
  #insideLine = false;
  #goesOn = true;

  constructor(sink: PieceSink) {
    this.#sink = sink;
  }

  /** Returns how many bytes were taken: all, unless the sink wants no more now. */
  push(bytes: Uint8Array): number {
    let start = 0;
    this.#goesOn = true;
    while (this.#goesOn && start < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      if (this.#restBytes === 0 && end - start <= MAX_RECORD_BYTES && newline >= 0) {
        this.#hand(bytes.subarray(start, end), true);
        start = end + 1;
      } else start = this.#gather(bytes, start, end, newline >= 0);
    }
    return start;
  }

  /** Forgets what was taken and not handed on, because it will be pushed again; returns how many bytes. */
  forgetRest(): number {
    const count = this.#restBytes;
    this.#restBytes = 0;
    return count;
  }

  /** Hands on a last line that had no newline; what comes then begins a line. */
  end(): void {
    this.#handRest(this.#restBytes, false);
    this.#insideLine = false;
  }

  /** Takes one line's bytes, or a piece's worth of them, to what is there already; returns where to go on. */
  #gather(bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    const rest = this.#rest ??= new Uint8Array(MAX_RECORD_BYTES);
    const taken = Math.min(end - start, MAX_RECORD_BYTES - this.#restBytes);
    rest.set(bytes.subarray(start, start + taken), this.#restBytes);
    this.#restBytes += taken;
    const next = start + taken;
    if (next < end) this.#handRest(endOfCharacters(rest), false);
    else if (ended) {
      this.#handRest(this.#restBytes, true);
      return next + 1;
    }
    return next;
  }

  #handRest(count: number, complete: boolean): void {
    const rest = this.#rest;
    if (rest === undefined || (count === 0 && !complete)) return;
    this.#hand(rest.subarray(0, count), complete);
    rest.copyWithin(0, count, this.#restBytes);
    this.#restBytes -= count;
  }

  #hand(piece: Uint8Array, complete: boolean): void {
    const continues = this.#insideLine;
    this.#insideLine = !complete;
    this.#goesOn = this.#sink(piece, complete ? continues ? LAST : WHOLE : continues ? MIDDLE : FIRST);
  }
}

/** Where the last whole character of `bytes` ends; their length where the end is no UTF-8. */
function endOfCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
