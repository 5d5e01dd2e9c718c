import { strict as assert } from "node:assert";
import { AsyncQueue } from "./queue.ts";

Deno.test("values arrive in order, whether pushed before or after the read", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  const read = Array.fromAsync(queue);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  queue.push(4);
  assert.deepEqual(await read, [1, 2, 3]);
});

Deno.test("a failure follows the values pushed before it", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.fail(new Error("broken"));
  const got: number[] = [];
  await assert.rejects(async () => {
    for await (const value of queue) got.push(value);
  }, /^Error: broken$/);
  assert.deepEqual(got, [1]);
});

Deno.test("an end wakes the reader; a reader may leave early", async () => {
  const queue = new AsyncQueue<number>();
  const empty = Array.fromAsync(queue);
  queue.end();
  assert.deepEqual(await empty, []);
  const abandoned = new AsyncQueue<number>();
  abandoned.push(1);
  for await (const value of abandoned) {
    assert.equal(value, 1);
    break;
  }
});
