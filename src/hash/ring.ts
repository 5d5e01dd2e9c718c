/**
 * @module
 * A ring buffer in shared memory by which one thread passes a stream to another thread that hashes it. The producer
 * fills slots and blocks while none is free (so it must be a Worker: it waits for as long as a slot takes to hash). The
 * consumer's event loop keeps running; it empties the slots in order. A ring carries one stream: the initial hash
 * state, the bytes, and at the end the resulting state, with which the producer continues.
 */
import { TsdError } from "../errors.ts";
import type { HashState } from "./multi_buffer.ts";
import type { Hasher } from "./mod.ts";

/** Small enough for a core's cache, large enough that waking the other thread costs next to nothing. */
const SLOT_BYTES = 256 << 10;
const SLOTS = 8;
/**
 * Words of the header: counts of filled and emptied slots, whether the consumer failed or the producer left, and the
 * slots' lengths.
 */
const [FILLED, EMPTIED, BROKEN, LEFT, LENGTHS] = [0, 1, 2, 3, 4];
/** Then the hash state: its words, the total length, and the rest of a block with its length. */
const STATE_AT = 64;
const [TOTAL_AT, REST_LENGTH_AT, REST_AT] = [STATE_AT + 32, STATE_AT + 40, STATE_AT + 44];
const REST_BYTES = 64;
const SLOTS_AT = 256;
/**
 * Limit for hashing one slot, in ms. Waits in steps, since the notification of the consumer's failure may be missed.
 */
const [TIMEOUT_MS, STEP_MS] = [120_000, 500];

/** Number of rings for a layer: one stream for its diffID and one for its digest. */
export const HASH_RINGS = 2;

/** Both sides of a ring, each in its own thread. */
export class HashRing {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: DataView;
  #fill = 0;

  /** Creates a ring, or attaches to another thread's by its buffer. */
  constructor(buffer = new SharedArrayBuffer(SLOTS_AT + SLOTS * SLOT_BYTES)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, STATE_AT / 4);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** Sets the initial state of the stream; called before any of its bytes. */
  begin(state: HashState): void {
    this.#writeState(state);
  }

  /** Passes bytes to the consumer; they are copied. @throws {TsdError} internal if the consumer is lost */
  update(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      const slot = this.#freeSlot();
      const count = Math.min(SLOT_BYTES - this.#fill, bytes.length - offset);
      this.#bytes.set(bytes.subarray(offset, offset + count), slotAt(slot) + this.#fill);
      offset += count;
      this.#fill += count;
      if (this.#fill === SLOT_BYTES) this.#publish();
    }
  }

  /** Ends the stream and returns its state. @throws {TsdError} internal if the consumer is lost */
  suspend(): HashState {
    this.#freeSlot();
    if (this.#fill > 0) this.#publish();
    this.#freeSlot();
    this.#publish();
    this.#untilEmptied(Atomics.load(this.#head, FILLED));
    return this.#readState();
  }

  /** Abandons the stream: its result is no longer needed. */
  abandon(): void {
    Atomics.store(this.#head, LEFT, 1);
    Atomics.add(this.#head, FILLED, 1); // A consumer that is about to wait notices it.
    Atomics.notify(this.#head, FILLED);
  }

  /** Marks the consumer as lost and wakes the producer. */
  markLost(): void {
    Atomics.store(this.#head, BROKEN, 1);
    Atomics.notify(this.#head, EMPTIED);
  }

  /**
   * Consumer side: hashes the stream until its end.
   * @param resume creates a hasher that continues from a state
   */
  async serve(resume: (state: HashState) => Required<Pick<Hasher, "update" | "suspend">>): Promise<void> {
    const head = this.#head;
    let hasher: ReturnType<typeof resume> | undefined;
    for (let emptied = 0;; emptied++) {
      while (Atomics.load(head, FILLED) === emptied) await Atomics.waitAsync(head, FILLED, emptied).value;
      if (Atomics.load(head, LEFT) === 1) return void hasher?.suspend();
      const slot = emptied % SLOTS;
      const length = Atomics.load(head, LENGTHS + slot);
      hasher ??= resume(this.#readState());
      if (length > 0) hasher.update(this.#bytes.subarray(slotAt(slot), slotAt(slot) + length));
      else this.#writeState(hasher.suspend());
      Atomics.store(head, EMPTIED, emptied + 1);
      Atomics.notify(head, EMPTIED);
      if (length === 0) return;
    }
  }

  /** Waits until the next slot is free and returns its index. */
  #freeSlot(): number {
    const filled = Atomics.load(this.#head, FILLED);
    this.#untilEmptied(filled - SLOTS + 1);
    return filled % SLOTS;
  }

  #publish(): void {
    const filled = Atomics.load(this.#head, FILLED);
    Atomics.store(this.#head, LENGTHS + filled % SLOTS, this.#fill);
    this.#fill = 0;
    Atomics.store(this.#head, FILLED, filled + 1);
    Atomics.notify(this.#head, FILLED);
  }

  #untilEmptied(count: number): void {
    for (let waitedMs = 0;;) {
      const emptied = Atomics.load(this.#head, EMPTIED);
      if (emptied >= count) return;
      if (Atomics.load(this.#head, BROKEN) === 1 || waitedMs >= TIMEOUT_MS) {
        throw new TsdError("internal", "The thread that hashes a layer is lost");
      }
      if (Atomics.wait(this.#head, EMPTIED, emptied, STEP_MS) === "timed-out") waitedMs += STEP_MS;
    }
  }

  #writeState({ words, totalBytes, rest }: HashState): void {
    words.forEach((word, n) => this.#view.setUint32(STATE_AT + 4 * n, word));
    this.#view.setFloat64(TOTAL_AT, totalBytes);
    this.#view.setUint32(REST_LENGTH_AT, rest.length);
    this.#bytes.set(rest, REST_AT);
  }

  #readState(): HashState {
    const rest = this.#bytes.slice(REST_AT, REST_AT + Math.min(REST_BYTES, this.#view.getUint32(REST_LENGTH_AT)));
    return {
      words: Uint32Array.from({ length: 8 }, (_, n) => this.#view.getUint32(STATE_AT + 4 * n)),
      totalBytes: this.#view.getFloat64(TOTAL_AT),
      rest: new Uint8Array(rest),
    };
  }
}

const slotAt = (slot: number): number => SLOTS_AT + slot * SLOT_BYTES;

/** Creates the rings of one layer, and hashes in this thread the streams that arrive through them. */
export async function serveHashing(): Promise<SharedArrayBuffer[]> {
  const { wasmSha256 } = await import("./wasm.ts");
  return Array.from({ length: HASH_RINGS }, () => {
    const ring = new HashRing();
    ring.serve(wasmSha256).catch(() => ring.markLost());
    return ring.buffer;
  });
}
