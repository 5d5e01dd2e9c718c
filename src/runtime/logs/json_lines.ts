/**
 * @module
 * Docker's json-file format: one JSON object a line, `{"log":"…\n","stream":"stdout","time":"<RFC 3339, ns>"}`. Works on
 * bytes: at 100-byte lines a string for each would be the largest part of the cost. `<`, `>`, `&` and U+2028/9 are
 * escaped as Go's encoder does; invalid UTF-8 becomes U+FFFD.
 */

/** Longest piece of one line that gets a record of its own; longer lines are split, as Docker does. Bytes. */
export const MAX_RECORD_BYTES = 16 << 10;

/** The stream a byte came from. */
export type StreamName = "stdout" | "stderr";

/** Takes finished bytes; they are only valid during the call. */
export type ByteSink = (bytes: Uint8Array) => void;

const NEWLINE = 10;
const OUT_BYTES = 1 << 20;
/** A byte becomes at most `\u00xx`; the frame around it is short. */
const WORST_RECORD_BYTES = MAX_RECORD_BYTES * 6 + 256;

/** 1 for bytes that can't stand in a JSON string as they are (or may be part of an invalid sequence). */
const SPECIAL = new Uint8Array(256).map((_, byte) => byte < 32 || byte > 126 || '"\\<>&'.includes(chr(byte)) ? 1 : 0);
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const PREFIX = ENCODER.encode('{"log":"');

/** Collects records in one buffer and hands it on when it is full or flushed. */
export class RecordBuffer {
  readonly #out = new Uint8Array(OUT_BYTES);
  readonly #sink: ByteSink;
  #used = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Adds one record; `suffix` comes from {@link recordSuffix}. `complete` says whether the line ended here. */
  add(line: Uint8Array, complete: boolean, suffix: Uint8Array): void {
    if (this.#used + WORST_RECORD_BYTES > OUT_BYTES) this.flush();
    const out = this.#out;
    out.set(PREFIX, this.#used);
    let at = this.#used + PREFIX.length;
    const start = at;
    let special = 0;
    for (let i = 0; i < line.length; i++) {
      const byte = line[i];
      special |= SPECIAL[byte];
      out[at++] = byte;
    }
    if (special !== 0) at = start + ENCODER.encodeInto(escapeJson(DECODER.decode(line)), out.subarray(start)).written;
    if (complete) {
      out[at++] = 0x5c;
      out[at++] = 0x6e;
    }
    out.set(suffix, at);
    this.#used = at + suffix.length;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#sink(this.#out.subarray(0, used));
  }
}

/** What follows the text of every record of one stream at one time. */
export function recordSuffix(stream: StreamName, time: string): Uint8Array {
  return ENCODER.encode(`","stream":"${stream}","time":"${time}"}\n`);
}

/** Now, as RFC 3339 with nine digits, UTC. Sub-millisecond digits come from the monotonic clock. */
export function timestampNow(): string {
  const ms = performance.timeOrigin + performance.now();
  const micros = Math.floor((ms % 1) * 1e6);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros).padStart(6, "0")}Z`;
}

/** Cuts a byte stream into lines and pieces of lines; keeps what has no end yet. */
export class LineCutter {
  readonly #rest = new Uint8Array(MAX_RECORD_BYTES);
  #restBytes = 0;

  /** Calls `line` for each piece: `complete` when a newline ended it. Pieces are only valid during the call. */
  push(bytes: Uint8Array, line: (piece: Uint8Array, complete: boolean) => void): void {
    let start = 0;
    while (start < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      start = this.#take(bytes, start, end, newline >= 0, line);
    }
  }

  /** Hands on a last line that had no newline. */
  end(line: (piece: Uint8Array, complete: boolean) => void): void {
    if (this.#restBytes > 0) line(this.#rest.subarray(0, this.#restBytes), false);
    this.#restBytes = 0;
  }

  /** Takes one line's bytes, or a record's worth of them; returns where to go on. */
  #take(
    bytes: Uint8Array,
    start: number,
    end: number,
    ended: boolean,
    line: (piece: Uint8Array, complete: boolean) => void,
  ): number {
    const room = MAX_RECORD_BYTES - this.#restBytes;
    const length = end - start;
    if (length > room) {
      this.#hand(bytes.subarray(start, start + room), false, line);
      return start + room;
    }
    if (ended) {
      this.#hand(bytes.subarray(start, end), true, line);
      return end + 1;
    }
    this.#rest.set(bytes.subarray(start, end), this.#restBytes);
    this.#restBytes += length;
    return end;
  }

  #hand(piece: Uint8Array, complete: boolean, line: (piece: Uint8Array, complete: boolean) => void): void {
    if (this.#restBytes === 0) return line(piece, complete);
    this.#rest.set(piece, this.#restBytes);
    const total = this.#restBytes + piece.length;
    this.#restBytes = 0;
    line(this.#rest.subarray(0, total), complete);
  }
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function chr(byte: number): string {
  return String.fromCharCode(byte);
}
