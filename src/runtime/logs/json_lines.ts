/**
 * @module
 * Writes Docker's json-file format: one JSON object a line, `{"log":"…\n","stream":"stdout","time":"<RFC 3339, ns>"}`, with
 * `attrs` where labels or variables are wanted. Two fields are tsd's own, and other readers pass over them (ADR 0005):
 * `raw`, the exact bytes in base64 where they are no UTF-8, and `part`, for all pieces of a long line but its first.
 */
import { MAX_RECORD_BYTES, type PieceKind } from "./line_splitter.ts";
import { MAX_JSON_EXPANSION, writeBase64, writeJsonText } from "./json_text.ts";

/** The stream a byte came from. */
export type StreamName = "stdout" | "stderr";

/** Where records go: the files of one log. None of its methods throws. */
export interface RecordSink {
  /** Bytes that the present file still takes. */
  readonly roomBytes: number;
  /** Whether nothing is in it yet: then it takes one record of any size. */
  readonly isEmpty: boolean;
  /** Takes whole records, which are valid during the call only. */
  append(records: Uint8Array): void;
  /** Begins a new file, if that is possible now. */
  rotate(): void;
}

const ENCODER = new TextEncoder();
const PREFIX = ENCODER.encode('{"log":"');
const NEWLINE = ENCODER.encode("\\n");
// Each ends where the suffix begins with the quotation mark that closes the value.
const RAW = ENCODER.encode('","raw":"');
const PART = ENCODER.encode('","part":"rest');
const LINE_FEED = 10;
const WORST_RAW_BYTES = Math.ceil((MAX_RECORD_BYTES + 1) / 3) * 4;
const WORST_TEXT_BYTES = MAX_RECORD_BYTES * MAX_JSON_EXPANSION + WORST_RAW_BYTES + 64;
const OUT_BYTES = 1 << 20;

/** Memory for a {@link RecordBuffer}, whose suffixes have at most so many bytes. Buffers that are flushed may share it. */
export function recordMemory(suffixBytes = 256): Uint8Array {
  return new Uint8Array(Math.max(OUT_BYTES, 2 * (WORST_TEXT_BYTES + suffixBytes)));
}

/** Collects records and hands them on when there are many, when a file is full, or when it is flushed. */
export class RecordBuffer {
  readonly #out: Uint8Array;
  readonly #sink: RecordSink;
  #used = 0;

  constructor(sink: RecordSink, out: Uint8Array = recordMemory()) {
    this.#sink = sink;
    this.#out = out;
  }

  /** Adds one record; `suffix` comes from {@link recordSuffix}. */
  add(piece: Uint8Array, { complete, continues }: PieceKind, suffix: Uint8Array): void {
    if (this.#used + WORST_TEXT_BYTES + suffix.length > this.#out.length) this.flush();
    const out = this.#out;
    const start = this.#used;
    out.set(PREFIX, start);
    let at = writeJsonText(piece, out, start + PREFIX.length);
    const isBroken = at < 0;
    if (isBroken) at = ~at;
    if (complete) {
      out.set(NEWLINE, at);
      at += NEWLINE.length;
    }
    if (isBroken) {
      out.set(RAW, at);
      at = writeBase64(piece, complete ? LINE_FEED : undefined, out, at + RAW.length);
    }
    if (continues) {
      out.set(PART, at);
      at += PART.length;
    }
    out.set(suffix, at);
    at += suffix.length;
    const isFull = at > this.#sink.roomBytes && !(start === 0 && this.#sink.isEmpty);
    this.#used = isFull ? this.#moveOn(start, at) : at;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#sink.append(this.#out.subarray(0, used));
  }

  /** The record at `start` has no room in the present file: it becomes the first one of the next. Returns its length. */
  #moveOn(start: number, end: number): number {
    if (start > 0) this.#sink.append(this.#out.subarray(0, start));
    this.#sink.rotate();
    this.#out.copyWithin(0, start, end);
    return end - start;
  }
}

/** What follows the text of every record of one stream at one time; `attrs` comes from {@link attrsField}. */
export function recordSuffix(stream: StreamName, time: string, attrs = ""): Uint8Array {
  return ENCODER.encode(`","stream":"${stream}"${attrs},"time":"${time}"}\n`);
}

/** The field `attrs`, in the order of its keys as Go writes maps; nothing where there are none. */
export function attrsField(attrs: Readonly<Record<string, string>>): string {
  const entries = Object.entries(attrs).sort(([a], [b]) => a < b ? -1 : 1);
  return entries.length === 0 ? "" : `,"attrs":${JSON.stringify(Object.fromEntries(entries))}`;
}
