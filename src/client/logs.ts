/**
 * @module
 * The log of a container. A follower goes on with another engine: tsd's engine sends each record's time, so that a client
 * whose connection was lost requests the records after the last one it received.
 */
import { connectionLost } from "./byte_reader.ts";
import type { Container } from "./container.ts";
import { FrameParser, type OutputSinks, writeOutput } from "./frames.ts";
import { MULTIPLEXED } from "./http_transport.ts";
import { LineQueue } from "./line_queue.ts";
import { isConnectionLost, retryUntilAvailable } from "./reconnect.ts";
import type { CallOptions } from "./resource.ts";
import type { Timestamp } from "./timestamp.ts";
import type { ByteSource, EngineResponse } from "./transport.ts";

/** Options of `Container.logs`. */
export interface LogsOptions extends CallOptions {
  /** Goes on with new output until the container exits. */
  readonly follow?: boolean;
  /** Default: true. */
  readonly stdout?: boolean;
  /** Default: true. */
  readonly stderr?: boolean;
  readonly since?: Timestamp | undefined;
  readonly until?: Timestamp | undefined;
  /** Begins each line with its time (RFC 3339 with nanoseconds). */
  readonly timestamps?: boolean;
  /** The number of the last lines to begin with. Default: all. */
  readonly tail?: number | "all" | string | undefined;
  /** Begins each line with the labels and variables that the log options ask for. */
  readonly details?: boolean;
}

/** A line of output. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  /** Without the line end. Bytes that aren't UTF-8 are replaced. */
  readonly text: string;
}

/** The media type of frames that begin with their record's time and a mark. Requested by the header of that name. */
export const POSITIONS_TYPE = "application/vnd.tsd.log-positions";
/** RFC 3339 with nanoseconds. */
const TIME_BYTES = 30;
/** Marks a record that continues the line of the previous one. */
const CONTINUES = "+".charCodeAt(0);

/** Writes a log to sinks. @throws {TsdError} container_not_found, engine_unavailable */
export async function copyLogs(container: Container, sinks: OutputSinks, options: LogsOptions): Promise<void> {
  const { follow = false, ...rest } = options;
  const request = { stdout: true, stderr: true, ...rest };
  if (follow) return await followLogs(container, sinks, request);
  const { headers, body } = await container.requestLogs(request);
  await writeOutput(body, headers.get("content-type") === MULTIPLEXED, sinks);
}

async function followLogs(container: Container, sinks: OutputSinks, options: LogsOptions): Promise<void> {
  const reader = new PositionedLog(sinks);
  const request = (more: LogsOptions) =>
    container.requestLogs({ ...options, follow: true, ...more }, { "Tsd-Log-Positions": "1" });
  for (let response = await request({});;) {
    const type = response.headers.get("content-type");
    if (type !== POSITIONS_TYPE) return void await writeOutput(response.body, type === MULTIPLEXED, sinks);
    try {
      return await reader.read(response.body);
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
      response = await retryUntilAvailable<EngineResponse>(() => request(reader.rest()));
    }
  }
}

/** Strips the times of records, and skips the records that were delivered before. */
class PositionedLog {
  readonly #sinks: OutputSinks;
  /** The time of the last record that began a line. */
  #time: string | undefined;
  /** The number of records since the first one of that time. */
  #sinceThen = 0;
  #skip = 0;

  constructor(sinks: OutputSinks) {
    this.#sinks = sinks;
  }

  /** Returns the options of a request for the rest of the log. */
  rest(): LogsOptions {
    if (this.#time === undefined) return {};
    this.#skip = this.#sinceThen;
    return { tail: "all", since: unixTime(this.#time) };
  }

  async read(body: ByteSource): Promise<void> {
    const parser = new FrameParser();
    const head = new Uint8Array(TIME_BYTES + 1);
    let headFilled = 0;
    let isRequested = true;
    for await (const chunk of body) {
      const output: { stream: string; bytes: Uint8Array }[] = [];
      for (const { stream, bytes, isFirst } of parser.push(chunk)) {
        if (isFirst) headFilled = 0;
        const headPart = bytes.subarray(0, head.length - headFilled);
        head.set(headPart, headFilled);
        headFilled += headPart.length;
        if (headPart.length > 0 && headFilled === head.length) isRequested = this.#begin(head);
        const rest = bytes.subarray(headPart.length);
        if (isRequested && rest.length > 0) output.push({ stream, bytes: rest });
      }
      await this.#deliver(output);
    }
    if (!parser.atBoundary) throw connectionLost("The log ended inside a record");
  }

  /** Begins a record. Returns false if it was delivered before. */
  #begin(head: Uint8Array): boolean {
    if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    const time = new TextDecoder().decode(head.subarray(0, TIME_BYTES));
    if (head[TIME_BYTES] !== CONTINUES && time !== this.#time) {
      this.#time = time;
      this.#sinceThen = 0;
    }
    this.#sinceThen++;
    return true;
  }

  /** Joins consecutive pieces of one stream into one write. */
  async #deliver(output: readonly { readonly stream: string; readonly bytes: Uint8Array }[]): Promise<void> {
    for (let at = 0; at < output.length;) {
      const { stream } = output[at]!;
      let end = at;
      while (output[end]?.stream === stream) end++;
      const joined = new Uint8Array(output.slice(at, end).reduce((sum, { bytes }) => sum + bytes.length, 0));
      let filled = 0;
      for (const { bytes } of output.slice(at, end)) {
        joined.set(bytes, filled);
        filled += bytes.length;
      }
      await (stream === "stdout" ? this.#sinks.stdout(joined) : this.#sinks.stderr(joined));
      at = end;
    }
  }
}

/** Returns seconds since 1970 with nine decimals. */
function unixTime(rfc3339: string): string {
  const [whole = "", fraction = "0Z"] = rfc3339.split(".");
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.slice(0, -1)}`;
}

/** Yields the lines of a log. */
export async function* logLines(container: Container, options: LogsOptions): AsyncGenerator<LogLine> {
  const stop = new AbortController();
  const lines = new LineQueue();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const copied = copyLogs(container, lines, { ...options, signal }).then(
    () => lines.end(),
    (thrown) => lines.fail(thrown),
  );
  try {
    yield* lines;
  } finally {
    // Leaving the loop closes the connection.
    stop.abort();
    lines.close();
    await copied;
  }
}
