/**
 * @module
 * Splits a byte stream into lines, and lines that are too long for one record into pieces. Docker splits after 16 KiB,
 * even in the middle of a character; here the whole character goes into the next piece.
 */

/** Maximum length of a piece, in bytes without the newline. */
export const MAX_RECORD_BYTES = 16 << 10;

/** Receives a piece, which is valid only during the call. Returns whether it accepts more pieces now. */
export type PieceSink = (piece: Uint8Array, kind: PieceKind) => boolean;

/** The position of a piece in its line. */
export interface PieceKind {
  /** Whether the piece ends its line. */
  readonly complete: boolean;
  /** Whether its line began in an earlier piece. */
  readonly continues: boolean;
}

const NEWLINE = 10;
const WHOLE: PieceKind = { complete: true, continues: false };
const FIRST: PieceKind = { complete: false, continues: false };
const MIDDLE: PieceKind = { complete: false, continues: true };
const LAST: PieceKind = { complete: true, continues: true };

/** Splits one stream into lines. Buffers an incomplete line. */
export class LineSplitter {
  readonly #sink: PieceSink;
  /** Allocated on demand: most streams arrive in whole lines. */
  #rest: Uint8Array | undefined;
  #restBytes = 0;
  #insideLine = false;
  #acceptsMore = true;

  constructor(sink: PieceSink) {
    this.#sink = sink;
  }

  /** Splits further bytes. Returns how many were consumed: all, unless the sink accepts no more. */
  push(bytes: Uint8Array): number {
    let start = 0;
    this.#acceptsMore = true;
    while (this.#acceptsMore && start < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      if (this.#restBytes === 0 && end - start <= MAX_RECORD_BYTES && newline >= 0) {
        this.#emit(bytes.subarray(start, end), true);
        start = end + 1;
      } else start = this.#gather(bytes, start, end, newline >= 0);
    }
    return start;
  }

  /** Drops the buffered bytes, because they will be pushed again. Returns their number. */
  dropRest(): number {
    const count = this.#restBytes;
    this.#restBytes = 0;
    return count;
  }

  /** Emits a last line without a newline. Bytes pushed afterwards begin a new line. */
  end(): void {
    this.#emitRest(this.#restBytes, false);
    this.#insideLine = false;
  }

  /** Buffers the rest of one line, or as much as fits in a piece. Returns where to continue. */
  #gather(bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    const rest = this.#rest ??= new Uint8Array(MAX_RECORD_BYTES);
    const taken = Math.min(end - start, MAX_RECORD_BYTES - this.#restBytes);
    rest.set(bytes.subarray(start, start + taken), this.#restBytes);
    this.#restBytes += taken;
    const next = start + taken;
    if (next < end) this.#emitRest(endOfCharacters(rest), false);
    else if (ended) {
      this.#emitRest(this.#restBytes, true);
      return next + 1;
    }
    return next;
  }

  #emitRest(count: number, complete: boolean): void {
    const rest = this.#rest;
    if (rest === undefined || (count === 0 && !complete)) return;
    this.#emit(rest.subarray(0, count), complete);
    rest.copyWithin(0, count, this.#restBytes);
    this.#restBytes -= count;
  }

  #emit(piece: Uint8Array, complete: boolean): void {
    const continues = this.#insideLine;
    this.#insideLine = !complete;
    this.#acceptsMore = this.#sink(piece, complete ? continues ? LAST : WHOLE : continues ? MIDDLE : FIRST);
  }
}

/** Returns the end of the last whole character of `bytes`; their length if they don't end with valid UTF-8. */
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
