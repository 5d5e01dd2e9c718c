import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { createSha256, sha256Hex } from "../hash/mod.ts";
import { cancellable, collectBytes, hashed, inspected, streamOf, verified } from "./mod.ts";

const BYTES = new TextEncoder().encode("some bytes of a blob");
const EXPECTED = { sizeBytes: BYTES.length, digestHex: await sha256Hex(BYTES), what: "blob" };
const collect = (source: ReadableStream<Uint8Array>) => collectBytes(source, { maxBytes: 1000, what: "test" });

/** An endless source that reports whether it was cancelled. */
function endless(
  chunk: Uint8Array,
): { stream: ReadableStream<Uint8Array>; state: { cancelled: boolean; pulls: number } } {
  const state = { cancelled: false, pulls: 0 };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      state.pulls++;
      controller.enqueue(chunk.slice());
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { stream, state };
}

Deno.test("verified passes the expected bytes", async () => {
  assert.deepEqual(await collect(verified(streamOf(BYTES), EXPECTED)), new Uint8Array(BYTES));
  const empty = { sizeBytes: 0, digestHex: await sha256Hex(new Uint8Array(0)), what: "nothing" };
  assert.equal((await collect(verified(streamOf(new Uint8Array(0)), empty))).length, 0);
});

Deno.test("verified rejects a short stream at its end", async () => {
  await assert.rejects(
    collect(verified(streamOf(BYTES.subarray(1)), EXPECTED)),
    (error: Error) =>
      isTsdError(error, "size_mismatch") && error.message === "Cannot accept blob: size is 19, expected 20",
  );
});

Deno.test("verified rejects other bytes of the same size", async () => {
  const other = BYTES.slice();
  other[3] ^= 1;
  await assert.rejects(
    collect(verified(streamOf(other), EXPECTED)),
    (error: Error) =>
      isTsdError(error, "digest_mismatch") && error.message.endsWith(`expected sha256:${EXPECTED.digestHex}`),
  );
});

Deno.test("verified stops an endless stream once it exceeds the expected size", async () => {
  const { stream, state } = endless(BYTES);
  await assert.rejects(collect(verified(stream, EXPECTED)), (error: Error) => isTsdError(error, "size_mismatch"));
  assert.deepEqual(state, { cancelled: true, pulls: 2 });
});

Deno.test("nothing is pulled before the first read, and cancelling cancels the source", async () => {
  const { stream, state } = endless(BYTES);
  const result = verified(stream, { ...EXPECTED, sizeBytes: 1 << 30 });
  await Promise.resolve();
  assert.equal(state.pulls, 0);
  await result.cancel();
  assert.equal(state.cancelled, true);
});

Deno.test("hashed updates the hasher with the stream's bytes", async () => {
  const hasher = await createSha256();
  await collect(hashed(streamOf(BYTES), hasher));
  assert.equal(hasher.digestHex(), EXPECTED.digestHex);
});

Deno.test("an inspector that throws cancels the source", async () => {
  const { stream, state } = endless(BYTES);
  const failing = inspected(stream, {
    chunk() {
      throw new Error("no");
    },
  });
  await assert.rejects(collect(failing), { message: "no" });
  assert.equal(state.cancelled, true);
});

Deno.test("cancellable interrupts a pending read", async () => {
  const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const abort = new AbortController();
  const reading = collect(cancellable(never, abort.signal));
  abort.abort();
  await assert.rejects(reading, (error: Error) => isTsdError(error, "cancelled"));
});

Deno.test("cancellable reports a timeout as such, also before the first read", async () => {
  const { stream, state } = endless(BYTES);
  const signal = AbortSignal.abort(new DOMException("late", "TimeoutError"));
  await assert.rejects(collect(cancellable(stream, signal)), (error: Error) => isTsdError(error, "timeout"));
  assert.equal(state.cancelled, true);
});

Deno.test("cancellable passes everything if the signal is not aborted", async () => {
  assert.deepEqual(await collect(cancellable(streamOf(BYTES), new AbortController().signal)), new Uint8Array(BYTES));
});

Deno.test("cancellable retains no chunk that was passed on", async () => {
  const chunkBytes = 4 * 1024 * 1024;
  const chunkCount = 128;
  let enqueued = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (enqueued++ === chunkCount) controller.close();
      else controller.enqueue(new Uint8Array(chunkBytes));
    },
  }, { highWaterMark: 0 });
  const before = Deno.memoryUsage().external;
  let read = 0;
  for await (const chunk of cancellable(source, new AbortController().signal)) read += chunk.length;
  assert.equal(read, chunkCount * chunkBytes);
  const retained = Deno.memoryUsage().external - before;
  assert.ok(retained < read / 2, `${retained} of ${read} bytes are still in memory`);
});

Deno.test("collectBytes enforces its limit and cancels the source", async () => {
  const { stream, state } = endless(BYTES);
  await assert.rejects(collect(stream), (error: Error) => isTsdError(error, "payload_too_large"));
  assert.equal(state.cancelled, true);
});
