/**
 * @module
 * Formats log records for clients: framed by stream unless the container has a terminal, prefixed with their time and
 * attributes if requested. Each record has its own frame, since some clients treat a frame as a line.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../../engine/streams.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";

export interface LogFormat {
  readonly timestamps: boolean;
  readonly details: boolean;
  readonly multiplexed: boolean;
  /** Whether each record is prefixed with its time and whether it continues the previous line (tsd's extension). */
  readonly positions?: boolean;
}

const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array();

/** Yields one chunk for each batch of records. */
export async function* logChunks(
  batches: AsyncIterable<readonly LogRecord[]>,
  format: LogFormat,
): AsyncGenerator<Uint8Array> {
  const shown = prefixer(format);
  const prefix = format.positions ? positioned(shown) : shown;
  for await (const records of batches) yield chunkOf(records, prefix, format.multiplexed);
}

function chunkOf(
  records: readonly LogRecord[],
  prefix: (record: LogRecord) => Uint8Array,
  multiplexed: boolean,
): Uint8Array {
  const headerBytes = multiplexed ? FRAME_HEADER_BYTES : 0;
  const prefixes = records.map(prefix);
  const size = records.reduce((sum, { bytes }, i) => sum + headerBytes + prefixes[i].length + bytes.length, 0);
  const chunk = new Uint8Array(size);
  let at = 0;
  records.forEach(({ stream, bytes }, i) => {
    const before = prefixes[i];
    if (multiplexed) writeFrameHeader(chunk, at, stream, before.length + bytes.length);
    chunk.set(before, at + headerBytes);
    chunk.set(bytes, at + headerBytes + before.length);
    at += headerBytes + before.length + bytes.length;
  });
  return chunk;
}

/** Adds the record's position before its prefix. */
function positioned(shown: (record: LogRecord) => Uint8Array): (record: LogRecord) => Uint8Array {
  return (record) => {
    const position = ENCODER.encode(`${record.time}${record.continues ? "+" : " "}`);
    const after = shown(record);
    const bytes = new Uint8Array(position.length + after.length);
    bytes.set(position);
    bytes.set(after, position.length);
    return bytes;
  };
}

/** Returns a function that returns the prefix of a line; later parts of a line have none. */
function prefixer({ timestamps, details }: LogFormat): (record: LogRecord) => Uint8Array {
  if (!timestamps && !details) return () => NOTHING;
  let last = { key: "", bytes: NOTHING };
  return ({ time, attrs, continues }) => {
    if (continues) return NOTHING;
    const key = `${timestamps ? `${time} ` : ""}${details ? `${detailsText(attrs)} ` : ""}`;
    if (key !== last.key) last = { key, bytes: ENCODER.encode(key) };
    return last.bytes;
  };
}

/** Formats attributes in Docker's form: sorted, query-escaped, separated by commas. */
export function detailsText(attrs: LogRecord["attrs"] = {}): string {
  return Object.entries(attrs).sort(([a], [b]) => a < b ? -1 : 1).map((pair) => pair.map(queryEscape).join("=")).join(
    ",",
  );
}

/** Escapes like Go's url.QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped.replaceAll("%20", "+");
}
