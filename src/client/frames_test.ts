import { strict as assert } from "node:assert";
import fc from "fast-check";
import { FrameParser, writeOutput } from "./frames.ts";
import { jsonLines } from "./json_lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function frame(type: number, payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(8 + payload.length);
  framed[0] = type;
  new DataView(framed.buffer).setUint32(4, payload.length);
  framed.set(payload, 8);
  return framed;
}

function* cut(whole: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield whole.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });

Deno.test("frames: the streams come apart whole, however the bytes arrive", async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 50 })));
  await fc.assert(fc.asyncProperty(frames, sizes, async (list, pieces) => {
    const whole = new Uint8Array(list.flatMap(([type, payload]) => [...frame(type, payload)]));
    const got: Record<number, number[]> = { 1: [], 2: [] };
    const sink = (type: number) => (chunk: Uint8Array) => Promise.resolve(void got[type]!.push(...chunk));
    await writeOutput(ReadableStream.from(cut(whole, pieces)), true, { stdout: sink(1), stderr: sink(2) });
    for (const type of [1, 2]) {
      assert.deepEqual(got[type], list.filter(([of]) => of === type).flatMap(([, payload]) => [...payload]));
    }
  }));
});

Deno.test("frames: a bad header and an end inside a frame are errors", async () => {
  assert.throws(() => [...new FrameParser().push(new Uint8Array([1, 0, 1, 0, 0, 0, 0, 0]))], /bad frame header/);
  assert.throws(() => [...new FrameParser().push(new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0]))], /bad frame header/);
  const sinks = { stdout: () => Promise.resolve(), stderr: () => Promise.resolve() };
  const short = frame(1, bytes("hello")).subarray(0, 10);
  await assert.rejects(writeOutput(ReadableStream.from([short]), true, sinks), /inside a frame/);
});

Deno.test("frames: raw output is passed on as it is", async () => {
  const got: Uint8Array[] = [];
  const stdout = (chunk: Uint8Array) => Promise.resolve(void got.push(chunk));
  await writeOutput(ReadableStream.from([frame(1, bytes("x"))]), false, { stdout, stderr: () => assert.fail() });
  assert.deepEqual(got, [frame(1, bytes("x"))]);
});

Deno.test("json lines: values survive any chunking", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.object({ maxDepth: 1 })), sizes, async (values, pieces) => {
    const plain = values.map((value) => JSON.parse(JSON.stringify(value)));
    const whole = bytes(plain.map((value) => JSON.stringify(value)).join("\r\n"));
    assert.deepEqual(await Array.fromAsync(jsonLines(ReadableStream.from(cut(whole, pieces)))), plain);
  }));
  await assert.rejects(
    Array.fromAsync(jsonLines(ReadableStream.from([bytes("{}\nnonsense\n")]))),
    /not JSON: nonsense/,
  );
});

Deno.test("frames of one stream that come together are written together, in order", async () => {
  const chunk = Uint8Array.of(
    ...frame(1, bytes("a")),
    ...frame(1, bytes("b")),
    ...frame(2, bytes("c")),
    ...frame(1, bytes("d")),
  );
  const writes: string[] = [];
  const sink = (name: string) => (each: Uint8Array) => {
    writes.push(name + new TextDecoder().decode(each));
    return Promise.resolve();
  };
  await writeOutput(ReadableStream.from([chunk, chunk.subarray(0, 18)]), true, {
    stdout: sink("1"),
    stderr: sink("2"),
  });
  assert.deepEqual(writes, ["1ab", "2c", "1d", "1ab"]);
});

Deno.test("frames: the exit code comes with the stream, in pieces too; what went wrong is thrown", async () => {
  const out: string[] = [];
  const take = (chunk: Uint8Array) => Promise.resolve(void out.push(new TextDecoder().decode(chunk)));
  const sinks = { stdout: take, stderr: take };
  const reported = new Uint8Array([...frame(1, bytes("hi")), ...frame(4, bytes("137"))]);
  assert.equal(await writeOutput(ReadableStream.from(cut(reported, [3])), true, sinks), 137);
  assert.equal(out.join(""), "hi");
  assert.equal(await writeOutput(ReadableStream.from([frame(1, bytes("x"))]), true, sinks), undefined);
  const failed = writeOutput(ReadableStream.from(cut(frame(3, bytes("it is gone")), [2])), true, sinks);
  await assert.rejects(failed, { code: "runtime_failed", message: "it is gone" });
});
