import { strict as assert } from "node:assert";
import fc from "fast-check";
import { BadFrame, encodeFrame, FrameReader } from "./frames.ts";

const LIMIT = 1000;

Deno.test("messages survive any chunking", () => {
  const messages = fc.array(
    fc.json({ maxDepth: 2 }).filter((text) => text.length < 200).map((text) => JSON.parse(text)),
  );
  fc.assert(fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 })), (sent, cuts) => {
    const bytes = sent.flatMap((message) => [...encodeFrame(message, LIMIT)]);
    const reader = new FrameReader(LIMIT);
    const read: unknown[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = cuts[i % (cuts.length || 1)] ?? 7;
      read.push(...reader.push(Uint8Array.from(bytes.slice(at, at + size))));
      at += size;
    }
    assert.deepEqual(read, sent);
  }));
});

Deno.test("a message that is too long is refused by the sender, and by the receiver before it is read", () => {
  assert.throws(() => encodeFrame("x".repeat(LIMIT), LIMIT), BadFrame);
  assert.throws(
    () => new FrameReader(LIMIT).push(Uint8Array.of(0, 0, 4, 0)),
    (thrown) => thrown instanceof BadFrame && thrown.message === "a message of 1024 bytes; 1000 are the most",
  );
});

Deno.test("a frame that is not JSON is refused", () => {
  for (const body of [[0x7b], [0xff, 0xfe], []]) {
    assert.throws(() => new FrameReader(LIMIT).push(Uint8Array.of(0, 0, 0, body.length, ...body)), BadFrame);
  }
});
