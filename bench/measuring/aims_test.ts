import { strict as assert } from "node:assert";
import { type Aim, judge } from "./aims.ts";

const SERIES = [
  { row: "run", contender: "tsd", samplesMs: [6, 5, 60] },
  { row: "run", contender: "docker", samplesMs: [10, 10, 10] },
];
const aim = (atMost: number, row = "run"): Aim => ({
  of: { row, contender: "tsd" },
  against: { row, contender: "docker" },
  atMost,
});

Deno.test("an aim is judged by the ratio of the medians", () => {
  const judged = judge([aim(0.6), aim(0.59)], SERIES).map(({ ratio, verdict }) => [ratio, verdict]);
  assert.deepEqual(judged, [[0.6, "pass"], [0.6, "miss"]]);
});

Deno.test("what was not measured is neither a pass nor a miss", () => {
  assert.deepEqual(judge([aim(0.6, "exec")], SERIES), [{ ...aim(0.6, "exec"), verdict: "not measured" }]);
  assert.deepEqual(judge([aim(0.6)], SERIES.slice(0, 1)), [{ ...aim(0.6), verdict: "not measured" }]);
});
