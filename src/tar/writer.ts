/** Writes a tar as a stream. */
import { TsdError } from "../errors.ts";
import { quoted } from "./byte_string.ts";
import { encodeHeader, END_OF_TAR } from "./encoder.ts";
import type { TarHeader } from "./entry.ts";
import { paddingOf } from "./header.ts";

/** An entry to write. `body` is for files only, and yields exactly `header.sizeBytes` bytes. */
export interface TarSource {
  readonly header: TarHeader;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * Returns the archive of `sources`, encoded while it is read: ustar, with pax headers where ustar can't represent a
 * value. It ends with two zero blocks.
 * @throws {TsdError} size_mismatch (in the stream) if the size of a body differs from its header
 */
export function tarStream(sources: Iterable<TarSource> | AsyncIterable<TarSource>): ReadableStream<Uint8Array> {
  return ReadableStream.from(archive(sources));
}

async function* archive(sources: Iterable<TarSource> | AsyncIterable<TarSource>): AsyncGenerator<Uint8Array> {
  for await (const source of sources) {
    yield encodeHeader(source.header);
    yield* bodyOf(source);
  }
  yield END_OF_TAR.slice();
}

async function* bodyOf({ header, body }: TarSource): AsyncGenerator<Uint8Array> {
  const sizeBytes = header.type === "file" ? header.sizeBytes : 0;
  let written = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body ?? []) {
    written += chunk.length;
    if (written > sizeBytes) break;
    if (chunk.length > 0) yield chunk;
  }
  if (written !== sizeBytes) {
    const found = written > sizeBytes ? "more" : String(written);
    throw new TsdError(
      "size_mismatch",
      `Cannot write ${quoted(header.path)} to a tar: expected ${sizeBytes} bytes, got ${found}`,
    );
  }
  const padding = paddingOf(sizeBytes);
  if (padding > 0) yield new Uint8Array(padding);
}
