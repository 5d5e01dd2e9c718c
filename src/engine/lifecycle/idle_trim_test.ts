import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import { type Collect, IdleTrim } from "./idle_trim.ts";

const AFTER_MS = 2000;
const ALL = ["major last-resort", "heap", "program", "memory at rest heapBytes=7 externalBytes=8"];

function bench() {
  const clock = new FakeClock();
  const done: string[] = [];
  const memory = { releaseHeap: () => void done.push("heap"), releaseProgram: () => void done.push("program") };
  const usage = () => ({ heapUsed: 7, external: 8 });
  const log = new LineLog((line) => done.push(line.replace(/^.*: /, "")), "debug");
  const collect: Collect = ({ type, flavor }) => void done.push(`${type} ${flavor}`);
  const rest = new IdleTrim({ afterMs: AFTER_MS, clock, memory, collect, usage, log });
  return { clock, done, rest };
}

Deno.test("once after each busy time, garbage first", async () => {
  const { clock, done, rest } = bench();
  await clock.advance(AFTER_MS - 1);
  rest.used();
  await clock.advance(AFTER_MS - 1);
  assert.deepEqual(done, []);
  await clock.advance(1);
  assert.deepEqual(done, ALL);
  await clock.advance(10 * AFTER_MS);
  assert.equal(done.length, 4);
  rest.used();
  await clock.advance(AFTER_MS);
  assert.equal(done.length, 8);
});

Deno.test("never once it was disposed of", async () => {
  const { clock, done, rest } = bench();
  rest[Symbol.dispose]();
  await clock.advance(10 * AFTER_MS);
  assert.deepEqual(done, []);
});
