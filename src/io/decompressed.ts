/**
 * @module
 * Decompression of layers. The format is detected by the first bytes, never by a media type: gzip (RFC 1952, also with
 * several members), zstd (RFC 8878, also with several and with skippable frames), or none. Truncated data, and data
 * after the last member or frame, is rejected. Invariant: the compressed source is read to its end before the result
 * ends, so that a `verified` source has checked every byte. If both fail, the source's error (wrong digest or size) is
 * reported.
 */
import type { Transform } from "node:stream";
import { setImmediate } from "node:timers";
import { TsdError } from "../errors.ts";
import { cancelQuietly, concatenated } from "./streams.ts";
import { isZstdMagic, ZstdFrames } from "./zstd_frames.ts";

/** Detected compression of a stream. */
export type Compression = "gzip" | "zstd" | "none";

/** Options of {@link decompressed}: limits against decompression bombs, unlimited by default. */
export interface DecompressionOptions {
  /** Name of the data for error messages: `layer sha256:…`. */
  readonly what?: string;
  /** Maximum size of the output, in bytes. */
  readonly maxBytes?: number;
  /** Maximum bytes of output per byte of input, enforced once the output exceeds 64 MiB. */
  readonly maxRatio?: number;
  /**
   * Detaches the buffers of processed chunks instead of waiting for the garbage collector, which lets a hundred
   * megabytes of them accumulate. A chunk of the source must be the only view of its buffer, and is detached once
   * consumed. A chunk of the result is valid until the next one is requested.
   */
  readonly isFrugal?: boolean;
}

/**
 * With node:zlib's default of 16 KiB it is half as fast; with much more the bytes have left the CPU cache when they are
 * hashed.
 */
const OUTPUT_CHUNK_BYTES = 64 * 1024;
/**
 * A whole zstd block (RFC 8878, section 3.1.1.2.4): with less room, each block is decompressed into a separate buffer
 * and copied in pieces.
 */
const ZSTD_CHUNK_BYTES = 128 * 1024;
const RATIO_GRACE_BYTES = 64 * 1024 * 1024;
/**
 * Output after which the event loop gets its turn: zlib streams run on microtasks, so timers and messages (a
 * cancellation) would starve otherwise. Short turns also feed the streams of one thread evenly, so that their hashes
 * can be computed together.
 */
const YIELD_INTERVAL_BYTES = 256 * 1024;
const HEAD_BYTES = 10;
const BZIP2_BLOCK = "314159265359";
const XZ_MAGIC = "fd377a585a00";

/**
 * Detects the compression of a stream.
 * @param head the first 10 bytes of the stream, or all if it is shorter
 * @throws {TsdError} layer_invalid for an unsupported format (xz, bzip2)
 */
export function compressionOf(head: Uint8Array, what = "a layer"): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (isZstdMagic(head)) return "zstd";
  const hex = head.toHex();
  if (hex.startsWith(XZ_MAGIC)) throw unsupported(what, "xz");
  if (hex.startsWith("425a68") && hex.startsWith(BZIP2_BLOCK, 8)) throw unsupported(what, "bzip2");
  return "none";
}

/**
 * Returns the uncompressed bytes. Chunks share zlib's buffers: copy a chunk before transferring it. The stream errors
 * with {@link TsdError} layer_invalid (truncated, damaged, trailing data), layer_too_large, or with the source's error.
 */
export function decompressed(
  source: ReadableStream<Uint8Array>,
  options: DecompressionOptions = {},
): ReadableStream<Uint8Array> {
  const { what = "a layer", isFrugal = false } = options;
  const input = new Input(source.getReader(), isFrugal);
  let output: AsyncGenerator<Uint8Array, void, void> | undefined;
  let outputBytes = 0;
  let bytesSinceYield = 0;
  let last: Uint8Array | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      output ??= inflate(input, what);
      // A chunk that doesn't reach the end of its buffer is followed by another one in the same buffer.
      if (isFrugal && last !== undefined && isAtEnd(last)) detach(last);
      const { done, value } = await output.next();
      if (done) return controller.close();
      outputBytes += value.length;
      const excess = excessOf(outputBytes, input.takenBytes, options);
      if (excess !== undefined) {
        const error = new TsdError("layer_too_large", `Cannot decompress ${what}: ${excess}`);
        await cancelQuietly({ cancel: () => input.cancel(error) }, error);
        throw error;
      }
      bytesSinceYield += value.length;
      if (bytesSinceYield >= YIELD_INTERVAL_BYTES) {
        bytesSinceYield = 0;
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      last = value;
      controller.enqueue(value);
    },
    cancel: (reason) => input.cancel(reason),
  }, { highWaterMark: 0 });
}

const isAtEnd = (chunk: Uint8Array): boolean => chunk.byteOffset + chunk.length === chunk.buffer.byteLength;

/** Detaches the buffer of a chunk that is no longer used. */
function detach(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

function excessOf(outBytes: number, inBytes: number, options: DecompressionOptions): string | undefined {
  const { maxBytes = Infinity, maxRatio = Infinity } = options;
  if (outBytes > maxBytes) return `it is larger than ${maxBytes} bytes`;
  if (outBytes > RATIO_GRACE_BYTES && outBytes > inBytes * maxRatio) {
    return `${inBytes} bytes became more than ${outBytes}, which is over ${maxRatio} to 1`;
  }
  return undefined;
}

/** The compressed input. Counts the bytes read, and can return its head before it is read. */
class Input {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #head: Uint8Array | undefined;
  #failure: { error: unknown } | undefined;
  #engine: Transform | undefined;
  takenBytes = 0;
  readonly isFrugal: boolean;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, isFrugal: boolean) {
    this.#reader = reader;
    this.isFrugal = isFrugal;
  }

  /** Returns the first bytes; `read` returns them again. */
  async head(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (let sizeBytes = 0; sizeBytes < HEAD_BYTES;) {
      const chunk = await this.read();
      if (chunk === undefined) break;
      sizeBytes += chunk.length;
      chunks.push(chunk);
    }
    const head = chunks.length === 1 ? chunks[0] : concatenated(chunks);
    this.takenBytes -= head.length;
    this.#head = head;
    return head;
  }

  /** Returns the next chunk, or undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined && head.length > 0) {
      this.takenBytes += head.length;
      return head;
    }
    try {
      const { value } = await this.#reader.read();
      this.takenBytes += value?.length ?? 0;
      return value;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Makes `cancel` destroy the zlib stream too. */
  attach(engine: Transform): void {
    this.#engine = engine;
  }

  /** Reads the rest of the source, so that it can verify itself, and returns the more specific error. */
  async drainAndPickError(error: unknown): Promise<unknown> {
    if (this.#failure !== undefined) return this.#failure.error;
    try {
      while (await this.read() !== undefined);
      return error;
    } catch (sourceError) {
      return sourceError;
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#engine?.destroy();
    await this.#reader.cancel(reason);
  }
}

async function* inflate(input: Input, what: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    const compression = compressionOf(await input.head(), what);
    if (compression === "none") yield* passThrough(input);
    else yield* throughZlib(input, compression, what);
  } catch (error) {
    throw await input.drainAndPickError(error);
  }
}

async function* passThrough(input: Input): AsyncGenerator<Uint8Array, void, void> {
  for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) yield chunk;
}

async function* throughZlib(
  input: Input,
  compression: "gzip" | "zstd",
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  const zlib = await import("node:zlib");
  const engine = compression === "gzip"
    ? zlib.createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES })
    : zlib.createZstdDecompress({ chunkSize: ZSTD_CHUNK_BYTES });
  input.attach(engine);
  const feeding = feed(input, engine, compression === "zstd" ? new ZstdFrames(what) : undefined);
  feeding.catch((error) => engine.destroy(error)); // Ends the loop below, which then reports the error.
  try {
    for await (const chunk of engine) yield chunk;
  } catch (error) {
    throw error instanceof TsdError
      ? error
      : new TsdError("layer_invalid", engineErrorText(what, compression, error), { cause: error });
  } finally {
    engine.destroy();
  }
  await feeding;
  if (engine.bytesWritten !== input.takenBytes) {
    throw new TsdError(
      "layer_invalid",
      `Cannot decompress ${what}: there is something behind the end of the ${compression} data`,
    );
  }
}

/** Writes the source into the zlib stream, with backpressure. */
async function feed(input: Input, engine: Transform, frames: ZstdFrames | undefined): Promise<void> {
  for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) {
    for (const piece of frames?.pieces(chunk) ?? [chunk]) {
      if (!await write(engine, piece)) return;
    }
    if (input.isFrugal) detach(chunk);
  }
  frames?.end();
  engine.end();
}

/** Resolves when the zlib stream accepts more; to false if it failed or was destroyed. */
function write(engine: Transform, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => engine.write(bytes, (error) => resolve(!error && !engine.destroyed)));
}

function engineErrorText(what: string, compression: string, error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === "Z_BUF_ERROR") return `Cannot decompress ${what}: the ${compression} data ends too early (truncated)`;
  return `Cannot decompress ${what}: the ${compression} data is damaged (${
    error instanceof Error ? error.message : String(error)
  })`;
}

const unsupported = (what: string, name: string): TsdError =>
  new TsdError(
    "layer_invalid",
    `Cannot decompress ${what}: ${name} is not supported, only gzip, zstd and plain tar are`,
  );
