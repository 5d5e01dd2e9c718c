/**
 * @module
 * Decompression of layers, chosen by the first bytes and never by a media type: gzip (RFC 1952, several members), zstd
 * (RFC 8878, several frames, skippable ones too), or nothing. It refuses truncated data and anything behind the last
 * member. Invariant: the compressed source is read to its end before the result ends, so that a `verified` source has
 * judged every byte; when both are unhappy, the source's error (wrong digest or size) is the one reported.
 */
import type { Transform } from "node:stream";
import { setImmediate } from "node:timers";
import { TsdError } from "../errors.ts";
import { cancelQuietly, concatenated } from "./streams.ts";
import { isZstdMagic, ZstdFrames } from "./zstd_frames.ts";

/** What a compressed stream can be. */
export type Compression = "gzip" | "zstd" | "none";

/** What is decompressed, and the bounds that a bomb runs into; unlimited where not given. */
export interface DecompressionOptions {
  /** For errors: `layer sha256:…`. */
  readonly what?: string;
  /** Most bytes of output. */
  readonly maxBytes?: number;
  /** Most bytes of output per byte of input, looked at from the first 64 MiB of output on. */
  readonly maxRatio?: number;
  /**
   * Chunks give their memory back without waiting for the garbage collector, which lets a hundred megabytes of them come
   * together. One of the source, which must be the only one in its buffer, is used up then; one of the result holds until
   * the next one is asked for.
   */
  readonly isFrugal?: boolean;
}

/** With node:zlib's own 16 KiB it is half as fast; with much more the bytes have left the cache when they are hashed. */
const OUTPUT_CHUNK_BYTES = 64 * 1024;
/** A whole block of zstd (RFC 8878, section 3.1.1.2.4): with less room each is inflated aside and copied in pieces. */
const ZSTD_CHUNK_BYTES = 128 * 1024;
const RATIO_GRACE_BYTES = 64 * 1024 * 1024;
/**
 * zlib streams run on microtasks: without a pause, timers and messages (a cancellation) would starve. Short turns also feed
 * the streams of one thread evenly, so that their hashes can be made together.
 */
const TURN_BYTES = 256 * 1024;
const HEAD_BYTES = 10;
const BZIP2_BLOCK = "314159265359";
const XZ_MAGIC = "fd377a585a00";

/** Tells by its first bytes (10, or all there are) how a stream is compressed. @throws {TsdError} layer_invalid */
export function compressionOf(head: Uint8Array, what = "a layer"): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (isZstdMagic(head)) return "zstd";
  const hex = head.toHex();
  if (hex.startsWith(XZ_MAGIC)) throw unsupported(what, "xz");
  if (hex.startsWith("425a68") && hex.startsWith(BZIP2_BLOCK, 8)) throw unsupported(what, "bzip2");
  return "none";
}

/**
 * The uncompressed bytes. Chunks share zlib's buffers: copy one before transferring it. The stream errors with
 * {@link TsdError} layer_invalid (truncated, damaged, trailing junk), layer_too_large, or with the source's error.
 */
export function decompressed(
  source: ReadableStream<Uint8Array>,
  options: DecompressionOptions = {},
): ReadableStream<Uint8Array> {
  const { what = "a layer", isFrugal = false } = options;
  const input = new Input(source.getReader(), isFrugal);
  let output: AsyncGenerator<Uint8Array, void, void> | undefined;
  let given = 0;
  let turnBytes = 0;
  let last: Uint8Array | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      output ??= inflate(input, what);
      // What has room behind it in its buffer is followed by a chunk from the same one.
      if (isFrugal && last !== undefined && isAtEnd(last)) freed(last);
      const { done, value } = await output.next();
      if (done) return controller.close();
      given += value.length;
      const excess = excessOf(given, input.takenBytes, options);
      if (excess !== undefined) {
        const error = new TsdError("layer_too_large", `Cannot decompress ${what}: ${excess}`);
        await cancelQuietly({ cancel: () => input.cancel(error) }, error);
        throw error;
      }
      turnBytes += value.length;
      if (turnBytes >= TURN_BYTES) {
        turnBytes = 0;
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      last = value;
      controller.enqueue(value);
    },
    cancel: (reason) => input.cancel(reason),
  }, { highWaterMark: 0 });
}

const isAtEnd = (chunk: Uint8Array): boolean => chunk.byteOffset + chunk.length === chunk.buffer.byteLength;

/** Nobody can use the chunk any more. */
function freed(chunk: Uint8Array): void {
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

/** The compressed side: counts what was taken and can look at the head first. */
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

  /** The first bytes, which `read` gives again. */
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

  /** The next chunk, or undefined at the end. */
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

  /** Makes `cancel` end the engine too. */
  drives(engine: Transform): void {
    this.#engine = engine;
  }

  /** Reads what is left, so that the source can judge itself, then gives the error that tells most. */
  async judge(error: unknown): Promise<unknown> {
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
    if (compression === "none") yield* passed(input);
    else yield* throughZlib(input, compression, what);
  } catch (error) {
    throw await input.judge(error);
  }
}

async function* passed(input: Input): AsyncGenerator<Uint8Array, void, void> {
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
  input.drives(engine);
  const feeding = feed(input, engine, compression === "zstd" ? new ZstdFrames(what) : undefined);
  feeding.catch((error) => engine.destroy(error)); // Ends the loop below, which then reports the error.
  try {
    for await (const chunk of engine) yield chunk;
  } catch (error) {
    throw error instanceof TsdError
      ? error
      : new TsdError("layer_invalid", engineText(what, compression, error), { cause: error });
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

/** Writes the source into the engine, no faster than it takes it. */
async function feed(input: Input, engine: Transform, frames: ZstdFrames | undefined): Promise<void> {
  for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) {
    for (const piece of frames?.pieces(chunk) ?? [chunk]) {
      if (!await written(engine, piece)) return;
    }
    if (input.isFrugal) freed(chunk);
  }
  frames?.end();
  engine.end();
}

/** Resolves when the engine wants more; to false when it has failed or was destroyed. */
function written(engine: Transform, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => engine.write(bytes, (error) => resolve(!error && !engine.destroyed)));
}

function engineText(what: string, compression: string, error: unknown): string {
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
