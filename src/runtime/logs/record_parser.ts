/**
 * @module
 * Parses the records that `json_lines.ts` writes. Plain records (no escape but the newline, no attributes) are parsed
 * bytewise, which is ten times as fast as JSON.parse.
 */
import type { StreamName } from "./json_lines.ts";

/** A record of a log. */
export interface LogRecord {
  readonly stream: StreamName;
  /** The output, including its newline if it had one. Valid as long as the bytes it was parsed from. */
  readonly bytes: Uint8Array;
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  /** Whether its line began in an earlier record. */
  readonly continues: boolean;
  readonly attrs?: Readonly<Record<string, string>>;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const PREFIX = ENCODER.encode('{"log":"');
const BEFORE_TIME = {
  stdout: ENCODER.encode('","stream":"stdout","time":"'),
  stderr: ENCODER.encode('","stream":"stderr","time":"'),
} as const satisfies Record<StreamName, Uint8Array>;
const TIME_BYTES = "2026-01-02T03:04:05.000000006Z".length;
const AFTER_TIME = ENCODER.encode('"}');
const FRAME_BYTES = PREFIX.length + BEFORE_TIME.stdout.length + TIME_BYTES + AFTER_TIME.length;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const LINE_FEED = 10;

/** Parses the records of one file. */
export class RecordParser {
  /** The most recent time: records written in one turn have the same time. */
  #timeBytes = new Uint8Array(TIME_BYTES);
  #time = "";

  /** Returns the record in `line`, whose bytes it may change; undefined if `line` is not a valid record. */
  parse(line: Uint8Array): LogRecord | undefined {
    return this.#parsePlain(line) ?? parseJson(line);
  }

  #parsePlain(line: Uint8Array): LogRecord | undefined {
    const textEnd = line.length - FRAME_BYTES + PREFIX.length;
    if (textEnd < PREFIX.length || !hasAt(line, 0, PREFIX)) return undefined;
    const stream = hasAt(line, textEnd, BEFORE_TIME.stdout) ? "stdout" : "stderr";
    if (stream === "stderr" && !hasAt(line, textEnd, BEFORE_TIME.stderr)) return undefined;
    const timeAt = textEnd + BEFORE_TIME.stdout.length;
    if (!hasAt(line, timeAt + TIME_BYTES, AFTER_TIME)) return undefined;
    let text = line.subarray(PREFIX.length, textEnd);
    // An unescaped quotation mark ends the text, so there are more fields; an escaped one needs the JSON parser.
    const escape = text.indexOf(BACKSLASH);
    if (text.includes(QUOTE)) return undefined;
    if (escape >= 0) {
      if (escape !== text.length - 2 || text[escape + 1] !== LETTER_N) return undefined;
      text[escape] = LINE_FEED;
      text = text.subarray(0, escape + 1);
    }
    return { stream, bytes: text, time: this.#timeAt(line, timeAt), continues: false };
  }

  #timeAt(line: Uint8Array, at: number): string {
    if (!hasAt(line, at, this.#timeBytes)) {
      this.#timeBytes = line.slice(at, at + TIME_BYTES);
      this.#time = DECODER.decode(this.#timeBytes);
    }
    return this.#time;
  }
}

function hasAt(line: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (line[at + i] !== bytes[i]) return false;
  return true;
}

/** Unvalidated fields: a file can be damaged or written by another program. */
interface Fields {
  readonly log?: unknown;
  readonly stream?: unknown;
  readonly time?: unknown;
  readonly raw?: unknown;
  readonly part?: unknown;
  readonly attrs?: unknown;
}

function parseJson(line: Uint8Array): LogRecord | undefined {
  const fields = fieldsOf(line);
  const { log, stream, time, raw, part, attrs } = fields ?? {};
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  return {
    stream,
    bytes: (typeof raw === "string" ? bytesOf(raw) : undefined) ?? ENCODER.encode(log),
    time,
    continues: part === "rest",
    ...(typeof attrs === "object" && attrs !== null ? { attrs: attrs as Record<string, string> } : {}),
  };
}

function fieldsOf(line: Uint8Array): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(DECODER.decode(line));
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
