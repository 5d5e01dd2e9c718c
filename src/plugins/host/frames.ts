/**
 * @module
 * Framing of messages between the engine and a plugin's process over its standard input and output: a 4-byte big-endian
 * length, followed by that many bytes of JSON.
 */

const LENGTH_BYTES = 4;

/** Thrown for invalid frames. The stream can't be used any further. */
export class BadFrame extends Error {}

/**
 * Encodes a message.
 * @throws {BadFrame} if it is longer than `limitBytes`
 */
export const encodeFrame = (message: unknown, limitBytes: number): Uint8Array =>
  encodeText(JSON.stringify(message), limitBytes);

/**
 * Encodes a message that is already serialized to JSON.
 * @throws {BadFrame} if it is longer than `limitBytes`
 */
export function encodeText(json: string, limitBytes: number): Uint8Array {
  const body = new TextEncoder().encode(json);
  if (body.length > limitBytes) throw new BadFrame(`a message of ${body.length} bytes; ${limitBytes} are the most`);
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/** Reassembles messages from chunks of any size. */
export class FrameReader {
  readonly #limitBytes: number;
  /** Starts with the `#sizeBytes` bytes received of incomplete messages. */
  #buffer = new Uint8Array(4096);
  #sizeBytes = 0;

  /** @param limitBytes maximum length of a message; longer ones are refused before they are read */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * Returns the messages that a chunk completes. The chunk is copied.
   * @throws {BadFrame}
   */
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

  /** Returns the end of the message that starts at `at`; undefined until its length was received. */
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
