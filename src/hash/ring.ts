/**
 * @module
 * A stream on its way to another thread that hashes it, in memory that both share. The one side fills slots and waits when
 * none is free (so it must be a Worker: it blocks, for as long as a slot takes to hash); the other side, whose event loop
 * goes on, empties them in order. A ring carries one stream: the state that it begins with, the bytes, and in the end the
 * state that they lead to, with which the first side goes on.
 */
import { TsdError } from "../errors.ts";
import type { HashState } from "./multi_buffer.ts";
import type { Hasher } from "./mod.ts";

/** Small enough to stay in a core's cache, large enough that waking the other thread costs next to nothing. */
const SLOT_BYTES = 256 << 10;
const SLOTS = 8;
/** Words of the head: slots that were filled and emptied so far, whether either side has gone, the slots' lengths. */
const [FILLED, EMPTIED, BROKEN, LEFT, LENGTHS] = [0, 1, 2, 3, 4];
/** Then the state: its words, its length, and the rest of a block with that one's length. */
const STATE_AT = 64;
const [TOTAL_AT, REST_LENGTH_AT, REST_AT] = [STATE_AT + 32, STATE_AT + 40, STATE_AT + 44];
const REST_BYTES = 64;
const SLOTS_AT = 256;
/** Nobody takes so long for a slot, in ms; in steps, since the news that the other side is lost may be missed. */
const [TIMEOUT_MS, STEP_MS] = [120_000, 500];

/** As many streams of one layer are worth a ring: the one of its diffID, and that of its digest. */
export const HASH_RINGS = 2;

/** Both sides of a ring, each in its own thread. */
export class HashRing {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #view: DataView;
  #fill = 0;

  /** A new one, or another thread's. */
  constructor(buffer = new SharedArrayBuffer(SLOTS_AT + SLOTS * SLOT_BYTES)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, STATE_AT / 4);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** Where the stream is now; before any of its bytes. */
  begin(state: HashState): void {
    this.#keep(state);
  }

  /** Hands bytes over; they are copied. @throws {TsdError} internal: the other side is lost */
  update(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      const slot = this.#freeSlot();
      const count = Math.min(SLOT_BYTES - this.#fill, bytes.length - taken);
      this.#bytes.set(bytes.subarray(taken, taken + count), slotAt(slot) + this.#fill);
      taken += count;
      this.#fill += count;
      if (this.#fill === SLOT_BYTES) this.#pass();
    }
  }

  /** Takes the stream back. @throws {TsdError} internal: the other side is lost */
  suspend(): HashState {
    this.#freeSlot();
    if (this.#fill > 0) this.#pass();
    this.#freeSlot();
    this.#pass();
    this.#untilEmptied(Atomics.load(this.#head, FILLED));
    return this.#kept();
  }

  /** Nobody asks for the result any more. */
  leave(): void {
    Atomics.store(this.#head, LEFT, 1);
    Atomics.add(this.#head, FILLED, 1); // Whoever begins to wait just now sees it.
    Atomics.notify(this.#head, FILLED);
  }

  /** The other side is lost: whoever waits for it shall know. */
  break(): void {
    Atomics.store(this.#head, BROKEN, 1);
    Atomics.notify(this.#head, EMPTIED);
  }

  /** The other side: hashes what comes until the end. */
  async serve(resume: (state: HashState) => Required<Pick<Hasher, "update" | "suspend">>): Promise<void> {
    const head = this.#head;
    let hasher: ReturnType<typeof resume> | undefined;
    for (let emptied = 0;; emptied++) {
      while (Atomics.load(head, FILLED) === emptied) await Atomics.waitAsync(head, FILLED, emptied).value;
      if (Atomics.load(head, LEFT) === 1) return void hasher?.suspend();
      const slot = emptied % SLOTS;
      const length = Atomics.load(head, LENGTHS + slot);
      hasher ??= resume(this.#kept());
      if (length > 0) hasher.update(this.#bytes.subarray(slotAt(slot), slotAt(slot) + length));
      else this.#keep(hasher.suspend());
      Atomics.store(head, EMPTIED, emptied + 1);
      Atomics.notify(head, EMPTIED);
      if (length === 0) return;
    }
  }

  /** The slot to fill, once it is free. */
  #freeSlot(): number {
    const filled = Atomics.load(this.#head, FILLED);
    this.#untilEmptied(filled - SLOTS + 1);
    return filled % SLOTS;
  }

  #pass(): void {
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

  #keep({ words, totalBytes, rest }: HashState): void {
    words.forEach((word, n) => this.#view.setUint32(STATE_AT + 4 * n, word));
    this.#view.setFloat64(TOTAL_AT, totalBytes);
    this.#view.setUint32(REST_LENGTH_AT, rest.length);
    this.#bytes.set(rest, REST_AT);
  }

  #kept(): HashState {
    const rest = this.#bytes.slice(REST_AT, REST_AT + Math.min(REST_BYTES, this.#view.getUint32(REST_LENGTH_AT)));
    return {
      words: Uint32Array.from({ length: 8 }, (_, n) => this.#view.getUint32(STATE_AT + 4 * n)),
      totalBytes: this.#view.getFloat64(TOTAL_AT),
      rest: new Uint8Array(rest),
    };
  }
}

const slotAt = (slot: number): number => SLOTS_AT + slot * SLOT_BYTES;

/** Makes the rings of one layer, and hashes here what will come through them. */
export async function serveHashing(): Promise<SharedArrayBuffer[]> {
  const { wasmSha256 } = await import("./wasm.ts");
  return Array.from({ length: HASH_RINGS }, () => {
    const ring = new HashRing();
    ring.serve(wasmSha256).catch(() => ring.break());
    return ring.buffer;
  });
}
