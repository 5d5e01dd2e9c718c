/**
 * @module
 * A few of the lines that a process writes, for whoever is curious: at most so many in each second, cut off where they are
 * long. It looks for no more newlines than it takes lines, so that a loud process isn't slowed.
 */
import type { StreamName } from "./json_lines.ts";

/** Most bytes of a line. */
export const MAX_SAMPLE_BYTES = 4096;
const NEWLINE = 0x0a;
const SECOND_MS = 1000;

/** One line without its end. */
export interface SampledLine {
  readonly stream: StreamName;
  readonly line: string;
}

/** See the module's comment; one for each process. */
export class LineSampler {
  readonly #now: () => number;
  readonly #decoder = new TextDecoder();
  /** By stream, the beginning of a line whose end hasn't come; undefined: in the middle of a line that isn't taken. */
  readonly #started = new Map<StreamName, Uint8Array | undefined>();
  #secondMs = -Infinity;
  #left = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** What is taken of the next bytes of a stream. They are not kept. */
  take(stream: StreamName, bytes: Uint8Array, perSecond: number): SampledLine[] {
    const now = this.#now();
    if (now - this.#secondMs >= SECOND_MS) [this.#secondMs, this.#left] = [now, perSecond];
    const taken: SampledLine[] = [];
    let at = 0;
    while (this.#left > 0 && at < bytes.length) {
      const end = bytes.indexOf(NEWLINE, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      const line = this.#with(stream, piece);
      if (end < 0) {
        this.#started.set(stream, line?.slice(0, MAX_SAMPLE_BYTES));
        return taken;
      }
      this.#started.set(stream, NOTHING);
      at = end + 1;
      if (line === undefined) continue;
      this.#left--;
      taken.push({ stream, line: this.#decoder.decode(line.subarray(0, MAX_SAMPLE_BYTES)).replace(/\r$/, "") });
    }
    // The rest of this second isn't looked at: only whether it ends in the middle of a line.
    if (at < bytes.length) this.#started.set(stream, bytes.at(-1) === NEWLINE ? NOTHING : undefined);
    return taken;
  }

  /** A piece behind what is there of its line. */
  #with(stream: StreamName, piece: Uint8Array): Uint8Array | undefined {
    const before = this.#started.has(stream) ? this.#started.get(stream) : NOTHING;
    if (before === undefined || before.length === 0) return before && piece;
    const both = new Uint8Array(before.length + Math.min(piece.length, MAX_SAMPLE_BYTES));
    both.set(before);
    both.set(piece.subarray(0, MAX_SAMPLE_BYTES), before.length);
    return both;
  }
}

const NOTHING = new Uint8Array();
