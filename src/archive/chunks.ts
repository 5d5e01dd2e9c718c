/** Collects many small pieces into few large chunks. */

const CHUNK_BYTES = 256 * 1024;

/** Collects pieces into chunks. A yielded chunk owns its memory and is never written to again. */
export class Chunks {
  #buffer = new Uint8Array(CHUNK_BYTES);
  #usedBytes = 0;

  /** Returns the free part of the buffer, zeroed: at least one byte, at most `limit`. */
  room(limit: number): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#usedBytes, Math.min(CHUNK_BYTES, this.#usedBytes + limit));
  }

  /** Commits the first `sizeBytes` of {@link room}; yields the chunk if it is full. */
  *filled(sizeBytes: number): Generator<Uint8Array<ArrayBuffer>> {
    this.#usedBytes += sizeBytes;
    if (this.#usedBytes === CHUNK_BYTES) yield* this.rest();
  }

  /** Appends a copy of the bytes. */
  *put(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < bytes.length;) {
      const room = this.room(bytes.length - at);
      room.set(bytes.subarray(at, at + room.length));
      at += room.length;
      yield* this.filled(room.length);
    }
  }

  /** Yields the incomplete last chunk, if any. */
  *rest(): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#usedBytes === 0) return;
    const chunk = this.#buffer.subarray(0, this.#usedBytes);
    this.#buffer = new Uint8Array(CHUNK_BYTES);
    this.#usedBytes = 0;
    yield chunk;
  }
}
