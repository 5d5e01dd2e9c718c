import { strict as assert } from "node:assert";
import { pullAims } from "./aims.ts";
import { PULL_ENGINES } from "./engines.ts";
import { pullRow, ROWS } from "./turns.ts";

const ALL = ["six", "one", "forty", "zstd"] as const;

Deno.test("tsd with its defaults comes first, and column names are unique", () => {
  const names = PULL_ENGINES.map(({ name }) => name);
  assert.equal(names[0], "tsd");
  assert.equal(new Set(names).size, names.length);
});

Deno.test("aims refer to existing columns and rows", () => {
  const names = PULL_ENGINES.map(({ name }) => name);
  const rows = [...ALL.map(pullRow), ...Object.values(ROWS)];
  for (const { of, against } of pullAims(ALL)) {
    for (const cell of against === undefined ? [of] : [of, against]) {
      assert(names.includes(cell.peer) && rows.includes(cell.row), JSON.stringify(cell));
    }
  }
});

Deno.test("pullAims returns the aims of the measured images only", () => {
  assert.deepEqual(pullAims(["forty"]).map(({ of, limit }) => [of.row, limit]), [[pullRow("forty"), 0.4]]);
});
