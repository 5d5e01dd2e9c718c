/**
 * @module
 * Messages between the engine and a plugin's process, over its standard input and output: a length in four bytes, the most
 * significant first, and as many bytes of JSON.
 */

const LENGTH_BYTES = 4;

/** What was read is no message; there is no going on from there. */
export class BadFrame extends Error {}

/** A message as bytes. @throws {BadFrame} it is longer than `limitBytes` */
export const encodeFrame = (message: unknown, limitBytes: number): Uint8Array =>
  encodeText(JSON.stringify(message), limitBytes);

/** A message that is JSON already. @throws {BadFrame} */
export function encodeText(json: string, limitBytes: number): Uint8Array {
  const body = new TextEncoder().encode(json);
  if (body.length > limitBytes) throw new BadFrame(`a message of ${body.length} bytes; ${limitBytes} are the most`);
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/** Puts messages together from chunks of any size. */
export class FrameReader {
  readonly #limitBytes: number;
  /** What has come and is no whole message yet lies at its beginning. */
  #buffer = new Uint8Array(4096);
  #sizeBytes = 0;

  /** @param limitBytes a longer message is refused before it is read */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The messages that a chunk completes. The chunk is copied. @throws {BadFrame} */
  push(chunk: Uint8Array): unknown[] {
    this.#append(chunk);
    const messages: unknown[] = [];
    let at = 0;
    for (let end = this.#endOf(at); end !== undefined && end <= this.#sizeBytes; end = this.#endOf(at)) {
      messages.push(parse(this.#buffer.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    this.#buffer.copyWithin(0, at, this.#sizeBytes);
    this.#sizeBytes -= at;
    return messages;
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#sizeBytes + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#sizeBytes);
    this.#sizeBytes = needed;
  }

  /** Where the message that begins at `at` ends; undefined while its length isn't there. */
  #endOf(at: number): number | undefined {
    if (this.#sizeBytes - at < LENGTH_BYTES) return undefined;
    const length = new DataView(this.#buffer.buffer).getUint32(at);
    if (length > this.#limitBytes) throw new BadFrame(`a message of ${length} bytes; ${this.#limitBytes} are the most`);
    return at + LENGTH_BYTES + length;
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new BadFrame("a message that is no JSON", { cause });
  }
}
