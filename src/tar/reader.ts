/** Reads a tar entry by entry, for asynchronous callers. */
import type { TarEntry } from "./entry.ts";
import { TarDecoder, type TarDecoderOptions } from "./decoder.ts";

/** An entry with its data, which must be read before the next entry is requested; unread data is skipped. */
export interface TarMember {
  readonly entry: TarEntry;
  /** The stored bytes in pieces; each is valid until the next one is requested. For sparse files see `entry.sparse`. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Yields the members of a tar. Reads the source to its end (including data after the archive), or cancels it if the
 * loop is left early.
 * @throws {TsdError} layer_invalid, and any error of the source
 */
export async function* readTar(
  source: ReadableStream<Uint8Array>,
  options: TarDecoderOptions = {},
): AsyncGenerator<TarMember> {
  const feeder = new Feeder(source, options);
  try {
    for (;;) {
      const item = await feeder.next();
      if (item === undefined) return;
      if (item instanceof Uint8Array) continue;
      yield { entry: item, chunks: dataOf(item, feeder) };
    }
  } finally {
    await feeder.close();
  }
}

async function* dataOf(entry: TarEntry, feeder: Feeder): AsyncGenerator<Uint8Array> {
  for (let remaining = entry.storedBytes; remaining > 0;) {
    // Until these bytes are consumed, the decoder returns data only.
    const item = await feeder.next() as Uint8Array;
    remaining -= item.length;
    yield item;
  }
}

/** Feeds a decoder from a stream. */
class Feeder {
  readonly #decoder: TarDecoder;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #isAtEnd = false;

  constructor(source: ReadableStream<Uint8Array>, options: TarDecoderOptions) {
    this.#decoder = new TarDecoder(options);
    this.#reader = source.getReader();
  }

  async next(): Promise<TarEntry | Uint8Array | undefined> {
    for (;;) {
      const item = this.#decoder.next();
      if (item !== undefined) return item;
      const { done, value } = await this.#reader.read();
      if (done) {
        this.#isAtEnd = true;
        this.#decoder.finish();
        return undefined;
      }
      this.#decoder.feed(value);
    }
  }

  async close(): Promise<void> {
    if (!this.#isAtEnd) await this.#reader.cancel();
    this.#reader.releaseLock();
  }
}
