/**
 * @module
 * Samples the lines that a process writes: a limited number per second, truncated if they are long. Searches only for
 * as many newlines as it returns lines, so that a process with much output isn't slowed down.
 */
import type { StreamName } from "./json_lines.ts";

/** Maximum length of a sampled line, in bytes. */
export const MAX_SAMPLE_BYTES = 4096;
const NEWLINE = 0x0a;
const SECOND_MS = 1000;

/** A line without its newline. */
export interface SampledLine {
  readonly stream: StreamName;
  readonly line: string;
}

/** Samples the lines of one process. */
export class LineSampler {
  readonly #now: () => number;
  readonly #decoder = new TextDecoder();
  /** By stream, the beginning of an incomplete line; undefined inside a line that is skipped. */
  readonly #partialLines = new Map<StreamName, Uint8Array | undefined>();
  #secondMs = -Infinity;
  #remaining = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Returns the sampled lines among the next bytes of a stream. The bytes are not retained. */
  take(stream: StreamName, bytes: Uint8Array, perSecond: number): SampledLine[] {
    const now = this.#now();
    if (now - this.#secondMs >= SECOND_MS) [this.#secondMs, this.#remaining] = [now, perSecond];
    const taken: SampledLine[] = [];
    let at = 0;
    while (this.#remaining > 0 && at < bytes.length) {
      const end = bytes.indexOf(NEWLINE, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      const line = this.#append(stream, piece);
      if (end < 0) {
        this.#partialLines.set(stream, line?.slice(0, MAX_SAMPLE_BYTES));
        return taken;
      }
      this.#partialLines.set(stream, NOTHING);
      at = end + 1;
      if (line === undefined) continue;
      this.#remaining--;
      taken.push({ stream, line: this.#decoder.decode(line.subarray(0, MAX_SAMPLE_BYTES)).replace(/\r$/, "") });
    }
    // The rest of this second is skipped; only whether it ends in the middle of a line matters.
    if (at < bytes.length) this.#partialLines.set(stream, bytes.at(-1) === NEWLINE ? NOTHING : undefined);
    return taken;
  }

  /** Appends a piece to the incomplete line of a stream. */
  #append(stream: StreamName, piece: Uint8Array): Uint8Array | undefined {
    const before = this.#partialLines.has(stream) ? this.#partialLines.get(stream) : NOTHING;
    if (before === undefined || before.length === 0) return before && piece;
    const both = new Uint8Array(before.length + Math.min(piece.length, MAX_SAMPLE_BYTES));
    both.set(before);
    both.set(piece.subarray(0, MAX_SAMPLE_BYTES), before.length);
    return both;
  }
}

const NOTHING = new Uint8Array();
