/**
 * @module
 * Multi-buffer SHA-256: the streams of one thread share the WebAssembly kernels. A stream copies its input into buffers
 * in the kernels' memory. Full buffers wait a little for those of other streams, so that four streams are hashed for
 * little more than the price of one (`blocks4`). With one or two streams nothing waits. Results don't depend on
 * batching.
 */

/** The exports of `sha256.wasm`; see `sha256.as.ts`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  blocks(state: number, data: number, count: number): void;
  blocks4(state: number, data0: number, data1: number, data2: number, data3: number, count: number): void;
}

/** State of a suspended stream, from which another thread can continue. */
export interface HashState {
  /** The eight words of the hash value. */
  readonly words: Uint32Array;
  readonly totalBytes: number;
  /** The bytes after the last whole block. */
  readonly rest: Uint8Array;
}

/** One stream and its place in the kernels' memory. */
interface Lane {
  /** Address of the state; the buffers follow it. */
  readonly at: number;
  /** Number of full buffers in the ring; the oldest one has index `oldest`. */
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
/**
 * Input of one call of a kernel. Small, because V8 never replaces a running WebAssembly function by optimised code,
 * only the next call.
 */
const BUFFER_BYTES = 32 << 10;
const BUFFER_BLOCKS = BUFFER_BYTES / BLOCK_BYTES;
/**
 * Leaves room for padding, and is odd enough that the buffers of four streams don't compete for the same cache lines.
 */
const BUFFER_STRIDE = BUFFER_BYTES + 17 * BLOCK_BYTES;
const BUFFERS = 8;
const LANE_BYTES = BLOCK_BYTES + BUFFERS * BUFFER_STRIDE;
/** Below are the kernels' constants and scratch space; here the states of four streams, interleaved by word. */
const STATES_AT = 4 << 10;
const LANES_AT = STATES_AT + 4 * STATE_WORDS * 4;
const PAGE_BYTES = 64 << 10;
/** From three lanes on `blocks4` is faster than `blocks` for each, even with an idle lane. */
const MIN_BATCH_LANES = 3;

/** The SHA-256 streams of one thread. */
export class MultiBufferSha256 {
  readonly #kernels: Kernels;
  readonly #open = new Set<Lane>();
  readonly #closed: Lane[] = [];
  #laneCount = 0;
  #bytes: Uint8Array;
  #words: Uint32Array;
  /** Blocks hashed by each kernel, for benchmarks and tests. */
  readonly counts = { alone: 0, together: 0 };

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#bytes = new Uint8Array(kernels.memory.buffer);
    this.#words = new Uint32Array(kernels.memory.buffer);
  }

  /**
   * Opens a new stream, or continues a suspended one. The caller ends it with {@link finish}, {@link suspend} or {@link
   * abandon}.
   */
  open(from?: HashState): Lane {
    const lane = this.#closed.pop() ?? this.#createLane();
    Object.assign(lane, { full: 0, oldest: 0, fill: from?.rest.length ?? 0, totalBytes: from?.totalBytes ?? 0 });
    this.#words.set(from?.words ?? INITIAL, lane.at / 4);
    this.#bytes.set(from?.rest ?? [], this.#filling(lane));
    this.#open.add(lane);
    return lane;
  }

  /** Adds bytes, which are copied. */
  update(lane: Lane, bytes: Uint8Array): void {
    lane.totalBytes += bytes.length;
    for (let offset = 0; offset < bytes.length;) {
      const count = Math.min(BUFFER_BYTES - lane.fill, bytes.length - offset);
      this.#bytes.set(bytes.subarray(offset, offset + count), this.#filling(lane) + lane.fill);
      offset += count;
      lane.fill += count;
      if (lane.fill === BUFFER_BYTES) this.#filled(lane);
    }
  }

  /** Ends the stream and returns the digest, 64 lower-case hex digits. */
  finish(lane: Lane): string {
    while (lane.full > 0) this.#hash(lane);
    this.#kernels.blocks(lane.at, this.#filling(lane), this.#pad(lane));
    let hex = "";
    for (const word of this.#stateOf(lane)) hex += word.toString(16).padStart(8, "0");
    this.abandon(lane);
    return hex;
  }

  /** Ends the stream and returns its state, so that another thread can continue. */
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

  /** Ends the stream without a result; its lane is reused. */
  abandon(lane: Lane): void {
    if (this.#open.delete(lane)) this.#closed.push(lane);
  }

  /** Allocates a lane; grows the kernels' memory if necessary. */
  #createLane(): Lane {
    const { memory } = this.#kernels;
    const at = LANES_AT + this.#laneCount * LANE_BYTES;
    const missing = at + LANE_BYTES - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / PAGE_BYTES));
      this.#bytes = new Uint8Array(memory.buffer);
      this.#words = new Uint32Array(memory.buffer);
    }
    this.#laneCount++;
    return { at, full: 0, oldest: 0, fill: 0, totalBytes: 0 };
  }

  #stateOf(lane: Lane): Uint32Array {
    return this.#words.subarray(lane.at / 4, lane.at / 4 + STATE_WORDS);
  }

  #filled(lane: Lane): void {
    lane.fill = 0;
    lane.full++;
    if (this.#open.size < MIN_BATCH_LANES || lane.full === BUFFERS - 1) this.#hash(lane);
    else this.#hashWhenFour();
  }

  #hashWhenFour(): void {
    const full = this.#fullLanes();
    if (full.length === 4) this.#hashTogether(full);
  }

  /** Hashes the oldest full buffer of a stream, together with those of others if enough of them have one. */
  #hash(lane: Lane): void {
    const full = this.#open.size < MIN_BATCH_LANES ? [] : this.#fullLanes(lane);
    if (full.length >= MIN_BATCH_LANES) return this.#hashTogether(full);
    this.#kernels.blocks(lane.at, oldestOf(lane), BUFFER_BLOCKS);
    this.counts.alone += BUFFER_BLOCKS;
    popOldest(lane);
  }

  /** Returns up to four streams with full buffers, including `required`. */
  #fullLanes(required?: Lane): Lane[] {
    const found = required === undefined ? [] : [required];
    for (const lane of this.#open) {
      if (found.length === 4) break;
      if (lane.full > 0 && lane !== required) found.push(lane);
    }
    return found;
  }

  /**
   * Hashes the oldest buffers of three or four streams. With three, the fourth lane repeats the third's work and its
   * result is dropped.
   */
  #hashTogether(lanes: readonly Lane[]): void {
    const [a, b, c, d = c] = lanes as [Lane, Lane, Lane, Lane?];
    const words = this.#words;
    const states = STATES_AT / 4;
    for (const [n, { at }] of [a, b, c, d].entries()) {
      for (let i = 0; i < STATE_WORDS; i++) words[states + 4 * i + n] = words[at / 4 + i];
    }
    this.#kernels.blocks4(STATES_AT, oldestOf(a), oldestOf(b), oldestOf(c), oldestOf(d), BUFFER_BLOCKS);
    for (const [n, lane] of lanes.entries()) {
      for (let i = 0; i < STATE_WORDS; i++) words[lane.at / 4 + i] = words[states + 4 * i + n];
      popOldest(lane);
    }
    this.counts.together += lanes.length * BUFFER_BLOCKS;
  }

  #filling(lane: Lane): number {
    return bufferAt(lane, (lane.oldest + lane.full) % BUFFERS);
  }

  /**
   * Pads the message (section 5.1.1): a one bit, zeros, the length in bits. Returns the number of blocks in the last
   * buffer.
   */
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

/** Removes the oldest buffer, which was hashed. */
function popOldest(lane: Lane): void {
  lane.full--;
  lane.oldest = (lane.oldest + 1) % BUFFERS;
}
