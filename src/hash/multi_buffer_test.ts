import { strict as assert } from "node:assert";
import { createHash, type Hash } from "node:crypto";
import fc from "fast-check";
import { type Lane, MultiBufferSha256 } from "./multi_buffer.ts";
import * as kernels from "./sha256.wasm";

const BUFFER_BYTES = 32 << 10;
/** Shared by all tests: a kernel memory has one user. */
const lanes = new MultiBufferSha256(kernels);

interface Stream {
  readonly lane: Lane;
  readonly reference: Hash;
}

const opened = (count: number): Stream[] =>
  Array.from({ length: count }, () => ({ lane: lanes.open(), reference: createHash("sha256") }));

function update({ lane, reference }: Stream, bytes: Uint8Array): void {
  reference.update(bytes);
  lanes.update(lane, bytes);
  bytes.fill(0xee); // the hasher must not keep the caller's bytes
}

const check = ({ lane, reference }: Stream) => assert.equal(lanes.finish(lane), reference.digest("hex"));

/** Returns pseudo-random bytes, the same for the same seed. */
function noise(lengthBytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  let state = seed | 1;
  for (let i = 0; i < words.length; i++) words[i] = state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
  return new Uint8Array(words.buffer, 0, lengthBytes);
}

Deno.test("lengths around the ends of blocks, of buffers and of a lane", () => {
  for (const edge of [0, 64, BUFFER_BYTES, 7 * BUFFER_BYTES, 8 * BUFFER_BYTES, 9 * BUFFER_BYTES]) {
    for (const length of [-64, -9, -8, -1, 0, 1, 55, 56, 64].map((more) => edge + more).filter((n) => n >= 0)) {
      const [stream] = opened(1);
      update(stream, noise(length, length + 1));
      check(stream);
    }
  }
});

Deno.test("any number of interleaved streams, with any chunking and end", () => {
  const step = fc.record({ stream: fc.nat(8), length: fc.nat(3 * BUFFER_BYTES), ends: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (count, steps) => {
      const streams = opened(count);
      for (const [n, { stream, length, ends }] of steps.entries()) {
        const at = stream % count;
        update(streams[at], noise(length, n + 1));
        if (!ends || n % 5 !== 0) continue;
        check(streams[at]);
        [streams[at]] = opened(1);
      }
      for (const stream of streams) check(stream);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a suspended stream continues from any position", () => {
  const length = fc.nat(3 * BUFFER_BYTES);
  fc.assert(
    fc.property(fc.array(length, { maxLength: 6 }), fc.nat(3), (lengths, others) => {
      const beside = opened(others);
      const [{ lane, reference }] = opened(1);
      let moved = lane;
      for (const [n, length] of lengths.entries()) {
        update({ lane: moved, reference }, noise(length, n + 1));
        for (const stream of beside) update(stream, noise(length, n + 7));
        moved = lanes.open(structuredClone(lanes.suspend(moved)));
      }
      for (const stream of [...beside, { lane: moved, reference }]) check(stream);
    }),
    { numRuns: 60 },
  );
});

Deno.test("four streams are hashed together, one or two separately", () => {
  const blocksOf = (count: number) => {
    const before = { ...lanes.counts };
    const streams = opened(count);
    for (let n = 0; n < 40; n++) for (const stream of streams) update(stream, noise(BUFFER_BYTES, n + 1));
    for (const stream of streams) check(stream);
    return [lanes.counts.alone - before.alone, lanes.counts.together - before.together];
  };
  const each = 40 * BUFFER_BYTES / 64;
  assert.deepEqual(blocksOf(1), [each, 0]);
  assert.deepEqual(blocksOf(2), [2 * each, 0]);
  assert.deepEqual(blocksOf(4), [0, 4 * each]);
  const [alone, together] = blocksOf(3);
  assert.ok(together > 0.9 * (alone + together), `${alone} alone, ${together} together`);
});

Deno.test("the lane of an abandoned stream is reused and its state reset", () => {
  const before = kernels.memory.buffer.byteLength;
  for (let n = 0; n < 100; n++) {
    const [broken, stream] = opened(2);
    update(broken, noise(100_000, n + 1));
    lanes.abandon(broken.lane);
    update(stream, noise(1000, n + 1));
    check(stream);
  }
  assert.equal(kernels.memory.buffer.byteLength, before);
});
