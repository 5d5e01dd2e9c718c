import { strict as assert } from "node:assert";
import { summaryOf } from "./statistics.ts";

Deno.test("the median is the middle one, or halfway between the two in the middle", () => {
  assert.deepEqual(summaryOf([30, 10, 20]), { count: 3, medianMs: 20, minMs: 10, maxMs: 30 });
  assert.deepEqual(summaryOf([100, 9, 11, 1]), { count: 4, medianMs: 10, minMs: 1, maxMs: 100 });
  assert.deepEqual(summaryOf([5]), { count: 1, medianMs: 5, minMs: 5, maxMs: 5 });
});

Deno.test("an empty series has no median", () => {
  assert.throws(() => summaryOf([]), RangeError);
});
