/**
 * @module
 * Messages between the engine and a plugin's process, over its standard input and output: a length in four bytes, the most
 * significant first, and as many bytes of JSON.
 */

const LENGTH_BYTES = 4;

/** What was read is no message; there is no going on from there. */
export class BadFrame extends Error {}

/** A message as bytes. @throws {BadFrame} it is longer than `limitBytes` */
export function encodeFrame(message: unknown, limitBytes: number): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  if (body.length > limitBytes) throw new BadFrame(`a message of ${body.length} bytes; ${limitBytes} are the most`);
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/** Puts messages together from chunks of any size. */
export class FrameReader {
  readonly #limitBytes: number;
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  /** @param limitBytes a longer message is refused before it is read */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The messages that a chunk completes. The chunk is kept. @throws {BadFrame} */
  push(chunk: Uint8Array): unknown[] {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    const messages: unknown[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) messages.push(parse(next));
    return messages;
  }

  #next(): Uint8Array | undefined {
    if (this.#sizeBytes < LENGTH_BYTES) return undefined;
    const length = this.#length();
    if (length > this.#limitBytes) throw new BadFrame(`a message of ${length} bytes; ${this.#limitBytes} are the most`);
    if (this.#sizeBytes < LENGTH_BYTES + length) return undefined;
    const all = this.#joined();
    const end = LENGTH_BYTES + length;
    this.#chunks = end < all.length ? [all.subarray(end)] : [];
    this.#sizeBytes -= end;
    return all.subarray(LENGTH_BYTES, end);
  }

  #length(): number {
    const head = this.#chunks[0]!.length >= LENGTH_BYTES ? this.#chunks[0]! : this.#joined();
    return new DataView(head.buffer, head.byteOffset).getUint32(0);
  }

  /** All that is there in one piece. */
  #joined(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0]!;
    const all = new Uint8Array(this.#sizeBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [all];
    return all;
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new BadFrame("a message that is no JSON", { cause });
  }
}
