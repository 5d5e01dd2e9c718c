import { TsdError } from "../errors.ts";
import { connectionLost } from "./byte_reader.ts";

/** Which stream a piece of multiplexed output belongs to. */
export type FrameStream = "stdin" | "stdout" | "stderr" | "system_error" | "exit_code";

/** A piece of a frame's payload; a frame may come in several. */
export interface FramePiece {
  readonly stream: FrameStream;
  readonly bytes: Uint8Array;
  /** Whether a frame begins with it. */
  readonly isFirst?: boolean;
}

/** The last one is tsd's own: a decimal number, of a process whose client asked for it so. */
const STREAMS: readonly FrameStream[] = ["stdin", "stdout", "stderr", "system_error", "exit_code"];
const HEADER_BYTES = 8;

/**
 * Takes Docker's multiplexed stream apart (`[type,0,0,0,length32BE]` before each payload; Engine API, "Attach to a
 * container"). Payloads are passed on as they come, without a copy, so that the size of a frame costs nothing.
 */
export class FrameParser {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #payloadRemaining = 0;
  #stream: FrameStream = "stdout";
  #isFirst = false;

  /** The pieces in `chunk`. @throws {TsdError} engine_unavailable on a header that can't be one */
  *push(chunk: Uint8Array): Generator<FramePiece> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadRemaining > 0) {
        const bytes = chunk.subarray(at, at + this.#payloadRemaining);
        const isFirst = this.#isFirst;
        this.#isFirst = false;
        this.#payloadRemaining -= bytes.length;
        at += bytes.length;
        yield { stream: this.#stream, bytes, isFirst };
        continue;
      }
      this.#header[this.#headerFilled++] = chunk[at++]!;
      if (this.#headerFilled === HEADER_BYTES) this.#beginFrame();
    }
  }

  /** Whether the stream may end here. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0 && this.#payloadRemaining === 0;
  }

  #beginFrame(): void {
    const stream = STREAMS[this.#header[0]!];
    if (stream === undefined || this.#header[1] !== 0 || this.#header[2] !== 0 || this.#header[3] !== 0) {
      throw new TsdError("engine_unavailable", "The engine's output stream is broken: it has a bad frame header");
    }
    this.#stream = stream;
    this.#payloadRemaining = new DataView(this.#header.buffer).getUint32(4);
    this.#headerFilled = 0;
    this.#isFirst = true;
  }
}

/** Where output goes. */
export interface OutputSinks {
  stdout(bytes: Uint8Array): Promise<void>;
  stderr(bytes: Uint8Array): Promise<void>;
}

/** Pieces of one stream that come together as one: a log has a frame for each line. */
function* runs(pieces: Iterable<FramePiece>, mostBytes: number): Generator<FramePiece> {
  const joined = new Uint8Array(mostBytes);
  let [start, end] = [0, 0];
  let last: FrameStream | undefined;
  for (const { stream, bytes } of pieces) {
    if (last !== undefined && stream !== last) {
      yield { stream: last, bytes: joined.subarray(start, end) };
      start = end;
    }
    last = stream;
    joined.set(bytes, end);
    end += bytes.length;
  }
  if (last !== undefined && end > start) yield { stream: last, bytes: joined.subarray(start, end) };
}

/**
 * Passes output on until it ends, one write at a time, so that a slow reader slows the process down. Resolves to the exit
 * code, if the stream tells one. @throws {TsdError} runtime_failed, when the stream says what went wrong
 */
export async function writeOutput(
  output: AsyncIterable<Uint8Array>,
  multiplexed: boolean,
  sinks: OutputSinks,
): Promise<number | undefined> {
  const parser = new FrameParser();
  let [exitCode, failure] = ["", ""];
  for await (const chunk of output) {
    if (!multiplexed) {
      await sinks.stdout(chunk);
      continue;
    }
    for (const { stream, bytes } of runs(parser.push(chunk), chunk.length)) {
      if (stream === "exit_code") exitCode += String.fromCharCode(...bytes);
      else if (stream === "system_error") failure += new TextDecoder().decode(bytes);
      else await (stream === "stdout" ? sinks.stdout(bytes) : sinks.stderr(bytes));
    }
  }
  if (!parser.atBoundary) throw connectionLost("The engine's output stream ended inside a frame");
  if (failure !== "") throw new TsdError("runtime_failed", failure);
  return exitCode === "" ? undefined : Number(exitCode);
}
