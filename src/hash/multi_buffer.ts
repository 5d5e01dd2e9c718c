/**
 * @module
 * Many SHA-256 streams of one thread over the WebAssembly kernels. A stream copies what it is given into buffers in the
 * kernels' memory; full buffers wait a little for those of other streams, so that four streams are hashed at the price of
 * little more than one (`blocks4`). With one or two streams nothing waits. Results don't depend on what was batched.
 */

/** What `sha256.wasm` exports; see `sha256.as.ts`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  blocks(state: number, data: number, count: number): void;
  blocks4(state: number, data0: number, data1: number, data2: number, data3: number, count: number): void;
}

/** A stream after some of its bytes, from where another thread can go on. */
export interface HashState {
  /** Eight. */
  readonly words: Uint32Array;
  readonly totalBytes: number;
  /** The bytes behind the last whole block. */
  readonly rest: Uint8Array;
}

/** One stream. */
interface Lane {
  /** Address of its state, after which its buffers come. */
  readonly at: number;
  /** Buffers that are full, oldest first in the ring that begins at `oldest`. */
  full: number;
  oldest: number;
  /** Bytes in the buffer that is being filled. */
  fill: number;
  totalBytes: number;
}

/** FIPS 180-4, section 5.3.3. */
const INITIAL = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const STATE_WORDS = INITIAL.length;
const BLOCK_BYTES = 64;
/** What one call of a kernel takes: V8 replaces no running WebAssembly function by optimised code, only the next call. */
const BUFFER_BYTES = 32 << 10;
const BUFFER_BLOCKS = BUFFER_BYTES / BLOCK_BYTES;
/** Room for padding, and odd enough that the buffers of four streams don't compete for the same lines of a cache. */
const BUFFER_STRIDE = BUFFER_BYTES + 17 * BLOCK_BYTES;
const BUFFERS = 8;
const LANE_BYTES = BLOCK_BYTES + BUFFERS * BUFFER_STRIDE;
/** The kernels' constants and scratch are below; then the states of four streams, word by word. */
const STATES_AT = 4 << 10;
const LANES_AT = STATES_AT + 4 * STATE_WORDS * 4;
const PAGE_BYTES = 64 << 10;
/** `blocks4` with an idle lane is still faster than `blocks` for each of three. */
const WORTH_FOUR = 3;

/** The streams of one thread. */
export class MultiBufferSha256 {
  readonly #kernels: Kernels;
  readonly #open = new Set<Lane>();
  readonly #closed: Lane[] = [];
  #made = 0;
  #bytes: Uint8Array;
  #words: Uint32Array;
  /** Blocks that went through each kernel, for benchmarks and tests. */
  readonly counts = { alone: 0, together: 0 };

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#bytes = new Uint8Array(kernels.memory.buffer);
    this.#words = new Uint32Array(kernels.memory.buffer);
  }

  /** A new stream, or one that was suspended. Give it up with {@link finish}, {@link suspend} or {@link abandon}. */
  open(from?: HashState): Lane {
    const lane = this.#closed.pop() ?? this.#make();
    Object.assign(lane, { full: 0, oldest: 0, fill: from?.rest.length ?? 0, totalBytes: from?.totalBytes ?? 0 });
    this.#words.set(from?.words ?? INITIAL, lane.at / 4);
    this.#bytes.set(from?.rest ?? [], this.#filling(lane));
    this.#open.add(lane);
    return lane;
  }

  /** Takes bytes; they are copied. */
  update(lane: Lane, bytes: Uint8Array): void {
    lane.totalBytes += bytes.length;
    for (let taken = 0; taken < bytes.length;) {
      const count = Math.min(BUFFER_BYTES - lane.fill, bytes.length - taken);
      this.#bytes.set(bytes.subarray(taken, taken + count), this.#filling(lane) + lane.fill);
      taken += count;
      lane.fill += count;
      if (lane.fill === BUFFER_BYTES) this.#filled(lane);
    }
  }

  /** Ends the stream: 64 lower-case hex digits. */
  finish(lane: Lane): string {
    while (lane.full > 0) this.#hash(lane);
    this.#kernels.blocks(lane.at, this.#filling(lane), this.#pad(lane));
    let hex = "";
    for (const word of this.#stateOf(lane)) hex += word.toString(16).padStart(8, "0");
    this.abandon(lane);
    return hex;
  }

  /** Ends the stream here, so that it can go on in another thread. */
  suspend(lane: Lane): HashState {
    while (lane.full > 0) this.#hash(lane);
    const from = this.#filling(lane);
    const blocks = Math.floor(lane.fill / BLOCK_BYTES);
    if (blocks > 0) this.#kernels.blocks(lane.at, from, blocks);
    const state: HashState = {
      words: this.#stateOf(lane).slice(),
      totalBytes: lane.totalBytes,
      rest: this.#bytes.slice(from + blocks * BLOCK_BYTES, from + lane.fill),
    };
    this.abandon(lane);
    return state;
  }

  /** Gives a stream up; its place is used again. */
  abandon(lane: Lane): void {
    if (this.#open.delete(lane)) this.#closed.push(lane);
  }

  /** One more place in the kernels' memory, which grows for it. */
  #make(): Lane {
    const { memory } = this.#kernels;
    const at = LANES_AT + this.#made * LANE_BYTES;
    const missing = at + LANE_BYTES - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / PAGE_BYTES));
      this.#bytes = new Uint8Array(memory.buffer);
      this.#words = new Uint32Array(memory.buffer);
    }
    this.#made++;
    return { at, full: 0, oldest: 0, fill: 0, totalBytes: 0 };
  }

  #stateOf(lane: Lane): Uint32Array {
    return this.#words.subarray(lane.at / 4, lane.at / 4 + STATE_WORDS);
  }

  #filled(lane: Lane): void {
    lane.fill = 0;
    lane.full++;
    if (this.#open.size < WORTH_FOUR || lane.full === BUFFERS - 1) this.#hash(lane);
    else this.#hashWhenFour();
  }

  #hashWhenFour(): void {
    const full = this.#fullOnes();
    if (full.length === 4) this.#together(full);
  }

  /** Hashes the oldest full buffer of a stream, with those of others if enough of them have one. */
  #hash(lane: Lane): void {
    const full = this.#open.size < WORTH_FOUR ? [] : this.#fullOnes(lane);
    if (full.length >= WORTH_FOUR) return this.#together(full);
    this.#kernels.blocks(lane.at, oldestOf(lane), BUFFER_BLOCKS);
    this.counts.alone += BUFFER_BLOCKS;
    taken(lane);
  }

  /** Up to four streams with full buffers, `wanted` among them. */
  #fullOnes(requested?: Lane): Lane[] {
    const found = requested === undefined ? [] : [requested];
    for (const lane of this.#open) {
      if (found.length === 4) break;
      if (lane.full > 0 && lane !== requested) found.push(lane);
    }
    return found;
  }

  /** Three or four streams. A fourth lane without one hashes what the third does, for nothing. */
  #together(lanes: readonly Lane[]): void {
    const [a, b, c, d = c] = lanes as [Lane, Lane, Lane, Lane?];
    const words = this.#words;
    const states = STATES_AT / 4;
    for (const [n, { at }] of [a, b, c, d].entries()) {
      for (let i = 0; i < STATE_WORDS; i++) words[states + 4 * i + n] = words[at / 4 + i];
    }
    this.#kernels.blocks4(STATES_AT, oldestOf(a), oldestOf(b), oldestOf(c), oldestOf(d), BUFFER_BLOCKS);
    for (const [n, lane] of lanes.entries()) {
      for (let i = 0; i < STATE_WORDS; i++) words[lane.at / 4 + i] = words[states + 4 * i + n];
      taken(lane);
    }
    this.counts.together += lanes.length * BUFFER_BLOCKS;
  }

  #filling(lane: Lane): number {
    return bufferAt(lane, (lane.oldest + lane.full) % BUFFERS);
  }

  /** Section 5.1.1: a one bit, zeros, the length in bits. Returns how many blocks that makes of the last buffer. */
  #pad(lane: Lane): number {
    const { fill, totalBytes } = lane;
    const end = Math.ceil((fill + 1 + 8) / BLOCK_BYTES) * BLOCK_BYTES;
    const at = this.#filling(lane);
    this.#bytes[at + fill] = 0x80;
    this.#bytes.fill(0, at + fill + 1, at + end);
    new DataView(this.#bytes.buffer).setBigUint64(at + end - 8, BigInt(totalBytes) * 8n);
    return end / BLOCK_BYTES;
  }
}

export type { Lane };

const bufferAt = (lane: Lane, index: number) => lane.at + BLOCK_BYTES + index * BUFFER_STRIDE;
const oldestOf = (lane: Lane) => bufferAt(lane, lane.oldest);

/** Its oldest full buffer was hashed. */
function taken(lane: Lane): void {
  lane.full--;
  lane.oldest = (lane.oldest + 1) % BUFFERS;
}
