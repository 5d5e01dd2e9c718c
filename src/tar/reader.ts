/** Reading a tar entry by entry, for callers that wait between entries. */
import type { TarEntry } from "./entry.ts";
import { TarDecoder, type TarDecoderOptions } from "./decoder.ts";

/** An entry with its data, which must be read before the next entry is asked for; what isn't read is skipped. */
export interface TarMember {
  readonly entry: TarEntry;
  /** The stored bytes in pieces; each holds until the next is asked for. For sparse files see `entry.sparse`. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * The members of a tar. The source is read to its end (whatever follows the archive included), and cancelled when the
 * loop is left early.
 * @throws {TsdError} layer_invalid, and whatever the source throws
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
  for (let left = entry.storedBytes; left > 0;) {
    // Only data can come before these bytes are through.
    const item = await feeder.next() as Uint8Array;
    left -= item.length;
    yield item;
  }
}

/** Keeps a decoder fed from a stream. */
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
