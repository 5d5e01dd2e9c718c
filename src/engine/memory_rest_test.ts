import { strict as assert } from "node:assert";
import { FakeClock } from "./fake_clock.ts";
import { MemoryRest } from "./memory_rest.ts";

const AFTER_MS = 2000;

function bench() {
  const clock = new FakeClock();
  const done: string[] = [];
  const memory = { releaseHeap: () => void done.push("heap"), releaseProgram: () => void done.push("program") };
  const rest = new MemoryRest({ afterMs: AFTER_MS, clock, memory, collect: () => void done.push("collect") });
  return { clock, done, rest };
}

Deno.test("once after each busy time, garbage first", async () => {
  const { clock, done, rest } = bench();
  await clock.pass(AFTER_MS - 1);
  rest.used();
  await clock.pass(AFTER_MS - 1);
  assert.deepEqual(done, []);
  await clock.pass(1);
  assert.deepEqual(done, ["collect", "heap", "program"]);
  await clock.pass(10 * AFTER_MS);
  assert.equal(done.length, 3);
  rest.used();
  await clock.pass(AFTER_MS);
  assert.equal(done.length, 6);
});

Deno.test("never once it was disposed of", async () => {
  const { clock, done, rest } = bench();
  rest[Symbol.dispose]();
  await clock.pass(10 * AFTER_MS);
  assert.deepEqual(done, []);
});
