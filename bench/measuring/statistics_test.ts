import { strict as assert } from "node:assert";
import { percentile, summaryOf } from "./statistics.ts";

Deno.test("the median is the middle sample, or the mean of the two middle ones", () => {
  assert.deepEqual(summaryOf([30, 10, 20]), { count: 3, median: 20, min: 10, max: 30 });
  assert.deepEqual(summaryOf([100, 9, 11, 1]), { count: 4, median: 10, min: 1, max: 100 });
  assert.deepEqual(summaryOf([5]), { count: 1, median: 5, min: 5, max: 5 });
});

Deno.test("a percentile is one of the samples", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual([50, 99, 100].map((percent) => percentile(hundred, percent)), [50, 99, 100]);
  assert.deepEqual([1, 99].map((percent) => percentile([7, 3], percent)), [3, 7]);
});

Deno.test("an empty series has no median and no percentile", () => {
  assert.throws(() => summaryOf([]), RangeError);
  assert.throws(() => percentile([], 99), RangeError);
});
