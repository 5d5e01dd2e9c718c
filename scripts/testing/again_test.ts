import { strict as assert } from "node:assert";
import { MOST_FILES_AGAIN, tryAgain } from "./again.ts";
import { closingLines } from "./report.ts";
import type { Outcome } from "./test_file.ts";

const outcomeOf = (name: string, outcome: "passed" | "failed"): Outcome => ({
  name,
  cases: [{ name: "a test", outcome, position: "1:1", failure: outcome === "failed" ? "too slow" : "" }],
  output: "",
  durationMs: 1,
});

Deno.test("what passes when it is run again is flaky, and said; what fails again has failed", async () => {
  const requested: string[] = [];
  const { outcomes, flaky } = await tryAgain(
    [outcomeOf("a", "passed"), outcomeOf("b", "failed"), outcomeOf("c", "failed")],
    (file) => {
      requested.push(file);
      return Promise.resolve(outcomeOf(file, file === "b" ? "passed" : "failed"));
    },
  );
  assert.deepEqual(requested, ["b", "c"]);
  assert.deepEqual(outcomes.map(({ name, cases }) => [name, cases[0].outcome]), [
    ["a", "passed"],
    ["b", "passed"],
    ["c", "failed"],
  ]);
  assert.deepEqual(flaky.map(({ file, test }) => [file, test.failure]), [["b", "too slow"]]);
  const lines = closingLines(outcomes, 1000, flaky);
  assert.ok(lines.includes("FLAKY: a test  (b:1:1) failed at first and passed when its file was run again"));
  assert.equal(lines.at(-1), "2 passed, 1 failed");
});

Deno.test("many failures are no accident", async () => {
  const failed = Array.from({ length: MOST_FILES_AGAIN + 1 }, (_, n) => outcomeOf(`${n}`, "failed"));
  const { outcomes, flaky } = await tryAgain(failed, () => assert.fail("nothing is run again"));
  assert.deepEqual([outcomes, flaky], [failed, []]);
});
