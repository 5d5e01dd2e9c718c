/**
 * @module
 * Joins a client's raw connection to a process's streams (attach, exec): output is framed for processes without a
 * terminal (Docker Engine API, "Stream format"), input is passed on as it comes.
 */
import type { StreamName } from "../runtime/logs/json_lines.ts";
import type { ProcessIo } from "../runtime/process_io.ts";

/** The client's side; the API's hijacked connection is one. */
export interface Duplex {
  readonly input: ReadableStream<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  readonly gone: AbortSignal;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Close the process's input when the client closes its half (`StdinOnce`). */
  readonly closeStdin: boolean;
  /** What the client is given first: earlier output. */
  readonly before?: AsyncIterable<Uint8Array>;
  /** Called once the client misses nothing any more. */
  readonly onAttached?: () => Promise<void>;
}

/** Bytes before each payload. */
export const FRAME_HEADER_BYTES = 8;
const STREAM_IDS = { stdout: 1, stderr: 2 } as const satisfies Record<StreamName, number>;

/** One frame: `[stream, 0, 0, 0, length as 32 bits big-endian]` and the bytes. */
export function frame(stream: StreamName, bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  writeFrameHeader(framed, 0, stream, bytes.length);
  framed.set(bytes, FRAME_HEADER_BYTES);
  return framed;
}

/** Writes what stands before a payload of `length` bytes into zeros at `at`. */
export function writeFrameHeader(out: Uint8Array, at: number, stream: StreamName, length: number): void {
  out[at] = STREAM_IDS[stream];
  for (let byte = 0; byte < 4; byte++) out[at + 7 - byte] = length >>> (8 * byte);
}

/** Runs until the process's output has ended or the client is gone. */
export async function attachStreams(io: ProcessIo, client: Duplex, options: AttachOptions): Promise<void> {
  const wanted = { stdout: options.stdout, stderr: options.stderr };
  const attaching = io.attach(async (stream, bytes) => {
    if (io.tty) await client.write(bytes);
    else if (wanted[stream]) await client.write(frame(stream, bytes));
  });
  const attachment = await attaching;
  try {
    if (options.before !== undefined) {
      for await (const chunk of options.before) await client.write(chunk);
    }
    void (options.stdin ? pumpInput(io, client, options.closeStdin) : client.input.cancel());
    await options.onAttached?.();
    await Promise.race([io.ended, aborted(client.gone)]);
  } finally {
    attachment.detach();
  }
}

async function pumpInput(io: ProcessIo, client: Duplex, closeAtEnd: boolean): Promise<void> {
  const { stdin } = io;
  if (stdin === undefined) return await client.input.cancel();
  for await (const chunk of client.input) await stdin.write(chunk);
  if (closeAtEnd) await stdin.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
