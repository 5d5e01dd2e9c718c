/** Reads lines and byte counts from a connection; excess bytes are buffered for the next call. */
import { concat } from "../images/bytes.ts";

/** The part of a connection that is used for reading. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
}

export class ByteReader {
  readonly #source: ByteSource;
  #buffered: Uint8Array = new Uint8Array();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Returns the next line without its end (LF or CRLF), or undefined if the source ends before a complete one. */
  async line(): Promise<string | undefined> {
    let end = this.#buffered.indexOf(10);
    while (end < 0) {
      if (!await this.#fill()) return undefined;
      end = this.#buffered.indexOf(10);
    }
    return new TextDecoder().decode(this.#take(end + 1)).replace(/\r?\n$/, "");
  }

  /** Returns the next byte without consuming it; undefined at the end. */
  async peek(): Promise<number | undefined> {
    if (this.#buffered.length === 0 && !await this.#fill()) return undefined;
    return this.#buffered[0];
  }

  /** Returns the next chunk of at most `largest` bytes, or undefined at the end. */
  async some(largest = Infinity): Promise<Uint8Array | undefined> {
    if (this.#buffered.length === 0 && !await this.#fill()) return undefined;
    return this.#take(Math.min(largest, this.#buffered.length));
  }

  /** Yields `count` bytes in chunks; fewer if the source ends. */
  async *exactly(count: number): AsyncIterable<Uint8Array> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (!part) return;
      left -= part.length;
      yield part;
    }
  }

  /** Yields all remaining bytes. */
  async *rest(): AsyncIterable<Uint8Array> {
    for (let part = await this.some(); part; part = await this.some()) yield part;
  }

  #take(count: number): Uint8Array {
    const part = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return part;
  }

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const count = await this.#source.read(chunk);
    if (count === null) return false;
    this.#buffered = concat([this.#buffered, chunk.subarray(0, count)]);
    return true;
  }
}

/** Reads header lines up to the empty one; names in lower case. */
export async function readHeaders(reader: ByteReader): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (let line = await reader.line(); line; line = await reader.line()) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** Reads a chunked body (RFC 9112, 7.1). @throws Error if it ends before its last chunk */
export async function* chunkedBody(reader: ByteReader): AsyncIterable<Uint8Array> {
  while (true) {
    const sizeLine = await reader.line();
    const sizeBytes = parseInt(sizeLine ?? "", 16);
    if (Number.isNaN(sizeBytes)) throw new Error("A chunked body ended before its last chunk");
    yield* reader.exactly(sizeBytes);
    await reader.line();
    if (sizeBytes === 0) return;
  }
}
