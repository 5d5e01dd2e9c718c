/**
 * @module
 * Log records as clients get them: framed by stream unless the container has a terminal, after their time and attributes
 * where that is asked for. A record keeps a frame of its own, since some clients take a frame for a line.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../../engine/streams.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";

export interface LogFormat {
  readonly timestamps: boolean;
  readonly details: boolean;
  readonly multiplexed: boolean;
  /** tsd's own: each record's time, and whether it goes on with the line before, stand before all else. */
  readonly positions?: boolean;
}

const ENCODER = new TextEncoder();
const NOTHING = new Uint8Array();

/** One chunk for all records that come together. */
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

/** Puts what names a record before what is shown. */
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

/** What stands before a line; its later pieces have nothing before them. */
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

/** Sorted, escaped as in a query, with commas between them: Docker's form. */
export function detailsText(attrs: LogRecord["attrs"] = {}): string {
  return Object.entries(attrs).sort(([a], [b]) => a < b ? -1 : 1).map((pair) => pair.map(queryEscape).join("=")).join(
    ",",
  );
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return escaped.replaceAll("%20", "+");
}
