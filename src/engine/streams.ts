/**
 * @module
 * Joins a client's raw connection to a process's streams (attach, exec): output is framed for processes without a
 * terminal (Docker Engine API, "Stream format"), input is passed on as it comes, but for the keys that end the connection.
 */
import { DetachScanner, parseDetachKeys } from "../io/detach_keys.ts";
import type { StreamName } from "../runtime/logs/json_lines.ts";
import type { ProcessStdio } from "../runtime/stdio.ts";
import type { StdinPipe } from "../runtime/stdin_pipe.ts";

/** The client's side; the API's hijacked connection is one. */
export interface Duplex {
  /** It may come later. */
  readonly input: ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>;
  write(bytes: Uint8Array): Promise<void>;
  readonly disconnected: AbortSignal;
  /** Aborted when the engine is about to leave: no more output comes. */
  readonly leaving?: AbortSignal | undefined;
  /** Says so to the client, whose input is read on. */
  endOutput?(): void;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Close the process's input when the client closes its half (`StdinOnce`); a terminal's goes on. */
  readonly closeStdin: boolean;
  /** Output says which stream it is of; a terminal has one only. */
  readonly framed: boolean;
  /** Keys that end the connection, if there is a terminal; Docker's if not given. */
  readonly detachKeys?: Uint8Array | undefined;
  /** What the client is given first: earlier output. */
  readonly before?: AsyncIterable<Uint8Array>;
  /** Called once the client misses nothing any more. */
  readonly onAttached?: () => Promise<void>;
}

/** Why a connection ends: with the process, with the engine, by the client's going, its detach keys, or its input's end. */
export type AttachEnd = "ended" | "left" | "gone" | "detached" | "input_ended";

/** How long an engine that leaves waits for input that is on its way, in ms. */
const LAST_INPUT_MS = 500;

/** Bytes before each payload. */
export const FRAME_HEADER_BYTES = 8;
/** `systemError`: what went wrong with the stream itself. The last one is tsd's own: a decimal number behind all output. */
const STREAM_IDS = { stdout: 1, stderr: 2, systemError: 3, exitCode: 4 } as const satisfies
  & Record<StreamName, number>
  & Record<string, number>;

/** One frame: `[stream, 0, 0, 0, length as 32 bits big-endian]` and the bytes. */
export function frame(stream: keyof typeof STREAM_IDS, bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  writeFrameHeader(framed, 0, stream, bytes.length);
  framed.set(bytes, FRAME_HEADER_BYTES);
  return framed;
}

/** Writes what stands before a payload of `length` bytes into zeros at `at`. */
export function writeFrameHeader(out: Uint8Array, at: number, stream: keyof typeof STREAM_IDS, length: number): void {
  out[at] = STREAM_IDS[stream];
  for (let byte = 0; byte < 4; byte++) out[at + 7 - byte] = length >>> (8 * byte);
}

/**
 * Runs until the process's output has ended or the client is gone. As in Docker, the end of the client's input ends it too,
 * unless it is passed on to the process.
 */
export async function attachStreams(io: ProcessStdio, client: Duplex, options: AttachOptions): Promise<AttachEnd> {
  const requested = { stdout: options.stdout, stderr: options.stderr };
  const attaching = io.attach(async (stream, bytes) => {
    if (requested[stream]) await client.write(options.framed ? frame(stream, bytes) : bytes);
  });
  const attachment = await attaching;
  // A container and an engine may outlive very many attachments.
  using listening = new DisposableStack();
  try {
    if (options.before !== undefined) {
      for await (const chunk of options.before) await client.write(chunk);
    }
    const input = pumpInput(io, client, options);
    // A failure counts below, once the process was started.
    input.catch(() => undefined);
    await options.onAttached?.();
    const ends = [aborted(io.over, "ended", listening), aborted(client.disconnected, "gone", listening), input];
    const end = await Promise.race(client.leaving ? [...ends, aborted(client.leaving, "left", listening)] : ends);
    if (end === "left") await lastInput(client, input);
    return end;
  } finally {
    attachment.detach();
  }
}

/** Resolves if the connection ends with its input. */
async function pumpInput(io: ProcessStdio, client: Duplex, options: AttachOptions): Promise<AttachEnd> {
  const { stdin } = io;
  const clientInput = await client.input;
  if (stdin === undefined || !options.stdin) {
    await clientInput.cancel();
    return await never();
  }
  if (io.tty) return await pumpKeys(stdin, clientInput, options.detachKeys);
  for await (const chunk of clientInput) await stdin.write(chunk);
  if (client.leaving?.aborted) return "left";
  if (!options.closeStdin) return "input_ended";
  await stdin.close();
  return await never();
}

async function pumpKeys(
  stdin: Pick<StdinPipe, "write">,
  input: ReadableStream<Uint8Array>,
  detachKeys: Uint8Array = parseDetachKeys(""),
): Promise<AttachEnd> {
  const scanner = new DetachScanner(detachKeys);
  for await (const chunk of input) {
    const { passed, detached } = scanner.push(chunk);
    await stdin.write(passed);
    if (detached) return "detached";
  }
  await stdin.write(scanner.end());
  return "input_ended";
}

/** A client of ours ends its input when it sees that no more output comes. */
async function lastInput(client: Duplex, input: Promise<AttachEnd>): Promise<void> {
  client.endOutput?.();
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, LAST_INPUT_MS);
  await Promise.race([input, limit.promise]).finally(() => clearTimeout(timer));
}

const never = () => new Promise<never>(() => {});

/** Resolves with `end`, unless `listening` has ended by then. */
function aborted(signal: AbortSignal, end: AttachEnd, listening: DisposableStack): Promise<AttachEnd> {
  return new Promise((resolve) => {
    const removed = () => resolve(end);
    if (signal.aborted) removed();
    signal.addEventListener("abort", removed);
    listening.defer(() => signal.removeEventListener("abort", removed));
  });
}
