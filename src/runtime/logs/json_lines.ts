/**
 * @module
 * Writes Docker's json-file format: one JSON object per line, `{"log":"…\n","stream":"stdout","time":"<RFC 3339,
 * ns>"}`, with `attrs` if labels or variables are to be logged. Two fields are specific to tsd and ignored by other
 * readers (ADR 0005): `raw`, the exact bytes in base64 if they are not valid UTF-8, and `part`, in all pieces of a long
 * line but its first.
 */
import { MAX_RECORD_BYTES, type PieceKind } from "./line_splitter.ts";
import { MAX_JSON_EXPANSION, writeBase64, writeJsonText } from "./json_text.ts";

/** An output stream of a process. */
export type StreamName = "stdout" | "stderr";

/** The destination of records: the files of one log. Its methods don't throw. */
export interface RecordSink {
  /** Remaining capacity of the current file, in bytes. */
  readonly roomBytes: number;
  /** Whether the current file is empty: it then accepts one record of any size. */
  readonly isEmpty: boolean;
  /** Appends whole records. The bytes are valid only during the call. */
  append(records: Uint8Array): void;
  /** Begins a new file, if possible at present. */
  rotate(): void;
}

const ENCODER = new TextEncoder();
const PREFIX = ENCODER.encode('{"log":"');
const NEWLINE = ENCODER.encode("\\n");
// Each lacks the closing quotation mark of its value, with which the suffix begins.
const RAW = ENCODER.encode('","raw":"');
const PART = ENCODER.encode('","part":"rest');
const LINE_FEED = 10;
const MAX_RAW_BYTES = Math.ceil((MAX_RECORD_BYTES + 1) / 3) * 4;
const MAX_TEXT_BYTES = MAX_RECORD_BYTES * MAX_JSON_EXPANSION + MAX_RAW_BYTES + 64;
const OUT_BYTES = 1 << 20;

/**
 * Allocates the memory of a {@link RecordBuffer} whose suffixes have at most `suffixBytes` bytes. Several buffers may
 * share it if each is flushed before the next one is used.
 */
export function recordMemory(suffixBytes = 256): Uint8Array {
  return new Uint8Array(Math.max(OUT_BYTES, 2 * (MAX_TEXT_BYTES + suffixBytes)));
}

/**
 * Buffers records, and appends them to the sink when the buffer or the file is full, or on {@link RecordBuffer.flush}.
 */
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
    if (this.#used + MAX_TEXT_BYTES + suffix.length > this.#out.length) this.flush();
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
    this.#used = isFull ? this.#rotateBefore(start, at) : at;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#sink.append(this.#out.subarray(0, used));
  }

  /**
   * Makes the record at `start`, which exceeds the current file, the first one of the next file. Returns its length.
   */
  #rotateBefore(start: number, end: number): number {
    if (start > 0) this.#sink.append(this.#out.subarray(0, start));
    this.#sink.rotate();
    this.#out.copyWithin(0, start, end);
    return end - start;
  }
}

/** Returns the suffix of all records of one stream and time; `attrs` comes from {@link attrsField}. */
export function recordSuffix(stream: StreamName, time: string, attrs = ""): Uint8Array {
  return ENCODER.encode(`","stream":"${stream}"${attrs},"time":"${time}"}\n`);
}

/** Returns the field `attrs`, sorted by key as Go encodes maps; the empty string if there are no attributes. */
export function attrsField(attrs: Readonly<Record<string, string>>): string {
  const entries = Object.entries(attrs).sort(([a], [b]) => a < b ? -1 : 1);
  return entries.length === 0 ? "" : `,"attrs":${JSON.stringify(Object.fromEntries(entries))}`;
}
