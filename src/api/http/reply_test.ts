import { strict as assert } from "node:assert";
import { jsonArray, started } from "./reply.ts";

async function textOf(source: AsyncIterable<unknown>): Promise<{ text: string; parts: number }> {
  const reply = await jsonArray(source, (item) => item);
  assert(reply.kind === "stream");
  const parts = await Array.fromAsync(reply.body);
  return { text: parts.map((part) => new TextDecoder().decode(part)).join(""), parts: parts.length };
}

Deno.test("a JSON array: empty, short, and long ones in several parts", async () => {
  assert.deepEqual(await textOf(ReadableStream.from([])), { text: "[]\n", parts: 1 });
  assert.deepEqual(await textOf(ReadableStream.from([1, "é", null])), { text: '[1,"é",null]\n', parts: 1 });
  const many = Array.from({ length: 10_000 }, (_, n) => ({ n }));
  const { text, parts } = await textOf(ReadableStream.from(many));
  assert.deepEqual(JSON.parse(text), many);
  assert.ok(parts > 5);
});

Deno.test("a JSON array: an error before the first item is thrown at once, a later one breaks off the response", async () => {
  const failing = async function* (good: number) {
    for (let n = 0; n < good; n++) yield await Promise.resolve(n);
    throw new RangeError("broken");
  };
  await assert.rejects(jsonArray(failing(0), (item) => item), RangeError);
  await assert.rejects(textOf(failing(1)), RangeError);
});

Deno.test("a JSON array: its source is closed if it isn't read to the end", async () => {
  let isClosed = false;
  const source = async function* () {
    try {
      for (;;) yield await Promise.resolve("x".repeat(100));
    } finally {
      isClosed = true;
    }
  };
  const reply = await jsonArray(source(), (item) => item);
  assert(reply.kind === "stream");
  for await (const _ of reply.body) break;
  assert.equal(isClosed, true);
});

Deno.test("a source that has begun: its first failure comes at once, its items once, and it is given up", async () => {
  const failing = async function* () {
    const broken = await Promise.resolve(true);
    if (broken) throw new RangeError("broken");
    yield 1;
  };
  await assert.rejects(started(failing()), RangeError);
  assert.deepEqual(await Array.fromAsync(await started(ReadableStream.from([1, 2, 3]))), [1, 2, 3]);
  assert.deepEqual(await Array.fromAsync(await started(ReadableStream.from([]))), []);
  let isOver = false;
  const source = async function* () {
    try {
      for (let n = 0;; n++) yield await Promise.resolve(n);
    } finally {
      isOver = true;
    }
  };
  for await (const n of await started(source())) if (n === 1) break;
  assert.equal(isOver, true);
});
