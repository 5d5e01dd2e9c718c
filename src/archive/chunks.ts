/** Many small pieces become few large ones. */

const CHUNK_BYTES = 256 * 1024;

/** Pieces that are being collected. What is given out is never written to again, and owns its memory. */
export class Chunks {
  #buffer = new Uint8Array(CHUNK_BYTES);
  #usedBytes = 0;

  /** Room for the next bytes, zeros so far: at least one, at most `limit`. */
  room(limit: number): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#usedBytes, Math.min(CHUNK_BYTES, this.#usedBytes + limit));
  }

  /** Says that this much of the room was filled; gives a chunk when that made one full. */
  *filled(sizeBytes: number): Generator<Uint8Array<ArrayBuffer>> {
    this.#usedBytes += sizeBytes;
    if (this.#usedBytes === CHUNK_BYTES) yield* this.rest();
  }

  /** Takes a copy of the bytes. */
  *put(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < bytes.length;) {
      const room = this.room(bytes.length - at);
      room.set(bytes.subarray(at, at + room.length));
      at += room.length;
      yield* this.filled(room.length);
    }
  }

  /** What is left. */
  *rest(): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#usedBytes === 0) return;
    const chunk = this.#buffer.subarray(0, this.#usedBytes);
    this.#buffer = new Uint8Array(CHUNK_BYTES);
    this.#usedBytes = 0;
    yield chunk;
  }
}
