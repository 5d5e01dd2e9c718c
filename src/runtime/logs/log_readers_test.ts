import { strict as assert } from "node:assert";
import { LogReaders } from "./log_readers.ts";

Deno.test("the writer gets the needs of earlier readers at first, and later each change once", () => {
  const reported: unknown[] = [];
  const readers = new LogReaders((key, need) => reported.push([key, need.reader, need.sequence]));
  const early = readers.lease("a");
  early.need(3);
  assert.deepEqual(reported, []);
  const { needs, sequence } = readers.registerWriter("a");
  assert.deepEqual(needs, [{ reader: 1, sequence: 3 }]);
  assert.equal(sequence, early.sequence.memory);
  early.need(3);
  early.need(4);
  early.release();
  early[Symbol.dispose]();
  early.need(5);
  assert.deepEqual(reported, [["a", 1, 4], ["a", 1, undefined]]);
});

Deno.test("a log's file sequence is retained as long as it has a reader or writer", () => {
  const readers = new LogReaders(() => {});
  const first = readers.registerWriter("a").sequence;
  assert.equal(readers.registerWriter("a").sequence, first);
  using reader = readers.lease("a");
  readers.unregisterWriter("a");
  assert.equal(readers.registerWriter("a").sequence, first);
  readers.unregisterWriter("a");
  reader[Symbol.dispose]();
  assert.notEqual(readers.registerWriter("a").sequence, first);
  assert.notEqual(readers.registerWriter("b").sequence, readers.registerWriter("a").sequence);
});
