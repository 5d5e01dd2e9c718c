/**
 * @module
 * `logs --follow` across engines: tsd's engine tells each record's time, so that a client that was cut off asks for those
 * that come after the last one it got.
 */
import { isConnectionLost, retryUntilAvailable } from "./reconnect.ts";
import { cutOff } from "./byte_reader.ts";
import { containerLogs, type LogsOptions } from "./containers.ts";
import { deliver, FrameParser, type OutputSinks } from "./frames.ts";
import type { ByteSource, EngineResponse, EngineTransport } from "./transport.ts";

/** The media type of frames that begin with the time of their record and a mark; asked for by the header of that name. */
export const POSITIONS_TYPE = "application/vnd.tsd.log-positions";
/** RFC 3339 with nanoseconds. */
const TIME_BYTES = 30;
/** A record that goes on with the line of the one before. */
const CONTINUES = "+".charCodeAt(0);
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

/** Follows a log to its end. @throws {TsdError} container_not_found, engine_unavailable */
export async function followLog(
  engine: EngineTransport,
  name: string,
  options: LogsOptions,
  sinks: OutputSinks,
): Promise<void> {
  const reader = new PositionedLog(sinks);
  const ask = (more: LogsOptions) =>
    containerLogs(engine, name, { ...options, follow: true, ...more }, { "Tsd-Log-Positions": "1" });
  for (let answer = await ask({});;) {
    const type = answer.headers.get("content-type");
    if (type !== POSITIONS_TYPE) return void await deliver(answer.body, type === MULTIPLEXED, sinks);
    try {
      return await reader.read(answer.body);
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
      answer = await retryUntilAvailable<EngineResponse>(() => ask(reader.rest()));
    }
  }
}

/** Takes records off their times, and passes over those that were delivered before. */
class PositionedLog {
  readonly #sinks: OutputSinks;
  /** Of the last record that began a line. */
  #time: string | undefined;
  /** Records that came since the first one of that time. */
  #sinceThen = 0;
  #skip = 0;

  constructor(sinks: OutputSinks) {
    this.#sinks = sinks;
  }

  /** What to ask for next. */
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
    if (!parser.atBoundary) throw cutOff("The log ended inside a record");
  }

  /** Whether the record that begins is new. */
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

  /** Neighbours of one stream as one write. */
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

/** Seconds since 1970 with nine decimals. */
function unixTime(rfc3339: string): string {
  const [whole = "", fraction = "0Z"] = rfc3339.split(".");
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.slice(0, -1)}`;
}
