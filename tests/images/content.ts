/** Content that a registry stores: a media type, a digest, a size, and a way to read it any number of times. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import { digestOf } from "./bytes.ts";

export type Compression = "gzip" | "zstd" | "none";

/** `digest` and `sizeBytes` are the descriptor's values, which are wrong in malicious images. */
export interface Content {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
  /** The number of bytes that `open` yields, if it differs. */
  readonly actualSizeBytes?: number;
  /** Reads from the first byte; the caller reads to the end or breaks out of the loop. */
  open(): AsyncIterable<Uint8Array>;
}

/** A descriptor in a manifest or an index. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function descriptorOf(content: Content): Descriptor {
  return { mediaType: content.mediaType, digest: content.digest, size: content.sizeBytes };
}

export function memoryContent(mediaType: string, bytes: Uint8Array): Content {
  return { mediaType, digest: digestOf(bytes), sizeBytes: bytes.length, open: () => once(bytes) };
}

/** Returns content backed by a file that has exactly its bytes. */
export function fileContent(mediaType: string, digest: string, path: string): Content {
  return { mediaType, digest, sizeBytes: Deno.statSync(path).size, open: () => fileChunks(path) };
}

/** Combines the claimed descriptor fields with the bytes of `actual`. */
export function lyingContent(
  claimed: Partial<Pick<Content, "mediaType" | "digest" | "sizeBytes">>,
  actual: Content,
): Content {
  const actualSizeBytes = actual.actualSizeBytes ?? actual.sizeBytes;
  return { ...actual, actualSizeBytes, ...claimed, open: () => actual.open() };
}

export async function* compressed(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncIterable<Uint8Array> {
  if (compression === "none") return yield* chunks;
  yield* through(chunks, compression === "gzip" ? createGzip({ chunkSize: 65536 }) : createZstdCompress());
}

export async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncIterable<Uint8Array> {
  if (compression === "none") return yield* chunks;
  yield* through(chunks, compression === "gzip" ? createGunzip({ chunkSize: 65536 }) : createZstdDecompress());
}

/** Passes chunks through, and computes their digest and size. */
export class Meter {
  readonly #hash = createHash("sha256");
  sizeBytes = 0;

  async *read(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      this.#hash.update(chunk);
      this.sizeBytes += chunk.length;
      yield chunk;
    }
  }

  /** Finishes, and returns the digest. */
  digest(): string {
    return `sha256:${this.#hash.digest("hex")}`;
  }
}

async function* through(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  transform: ReturnType<typeof createGzip> | ReturnType<typeof createZstdCompress>,
): AsyncIterable<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: true });
  source.on("error", (error: Error) => transform.destroy(error));
  source.pipe(transform);
  for await (const chunk of transform) yield new Uint8Array(chunk as Uint8Array);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function* fileChunks(path: string): AsyncIterable<Uint8Array> {
  using opened = await Deno.open(path);
  while (true) {
    const chunk = new Uint8Array(256 * 1024);
    const count = await opened.read(chunk);
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}
