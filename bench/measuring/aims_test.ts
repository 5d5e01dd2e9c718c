import { strict as assert } from "node:assert";
import { type Aim, judge, toDocker } from "./aims.ts";
import type { Series } from "./rounds.ts";

const SERIES: readonly Series[] = [
  { row: "run", peer: "tsd", unit: "ms", samples: [6, 5, 60] },
  { row: "run", peer: "docker", unit: "ms", samples: [10, 10, 10] },
];
const verdicts = (aims: readonly Aim[]) => judge(aims, SERIES).map(({ value, verdict }) => [value, verdict]);

Deno.test("judge compares the ratio of medians with the limit", () => {
  assert.deepEqual(verdicts([toDocker("run", 0.6), toDocker("run", 0.59)]), [[0.6, "pass"], [0.6, "miss"]]);
});

Deno.test("judge supports lower bounds and aims without a divisor", () => {
  assert.deepEqual(verdicts([toDocker("run", 3, "at least"), toDocker("run", 0.5, "at least")]), [
    [0.6, "miss"],
    [0.6, "pass"],
  ]);
  const alone = { of: { row: "run", peer: "tsd" }, bound: "at most" } as const;
  assert.deepEqual(verdicts([{ ...alone, limit: 10 }, { ...alone, limit: 5 }]), [[6, "pass"], [6, "miss"]]);
});

Deno.test("judge reports missing series as not measured", () => {
  const aim = toDocker("exec", 0.6);
  assert.deepEqual(judge([aim], SERIES), [{ ...aim, verdict: "not measured" }]);
  assert.deepEqual(judge([toDocker("run", 0.6)], SERIES.slice(0, 1))[0]?.verdict, "not measured");
});
