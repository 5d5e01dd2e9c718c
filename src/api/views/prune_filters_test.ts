import { strict as assert } from "node:assert";
import { pruneFilter } from "./prune_filters.ts";

const NOW = Date.UTC(2024, 0, 2);

function isPruned(
  filters: Record<string, string[]>,
  labels: Record<string, string> = {},
  createdMs: number | undefined = NOW,
) {
  return pruneFilter(new Map(Object.entries(filters)), NOW)({ createdMs, labels });
}

Deno.test("all labels must match; objects with all excluded labels are kept", () => {
  const labels = { a: "1", b: "2" };
  const cases: readonly (readonly [filters: Record<string, string[]>, isPruned: boolean])[] = [
    [{}, true],
    [{ label: ["a"] }, true],
    [{ label: ["a=1", "b"] }, true],
    [{ label: ["a=1", "c"] }, false],
    [{ "label!": ["a"] }, false],
    [{ "label!": ["a=2"] }, true],
    [{ "label!": ["a", "b=2"] }, false],
    [{ "label!": ["a", "c"] }, true],
    [{ label: ["a"], "label!": ["b"] }, false],
  ];
  for (const [filters, expected] of cases) assert.equal(isPruned(filters, labels), expected, JSON.stringify(filters));
  assert.equal(isPruned({ "label!": ["a"] }), true);
});

Deno.test("objects younger than until or of unknown age are kept", () => {
  const day = 24 * 3_600_000;
  assert.equal(isPruned({ until: ["24h"] }, {}, NOW - day), true);
  assert.equal(isPruned({ until: ["24h"] }, {}, NOW - day + 1), false);
  assert.equal(pruneFilter(new Map([["until", ["24h"]]]), NOW)({ createdMs: undefined, labels: {} }), false);
  assert.equal(pruneFilter(new Map(), NOW)({ createdMs: undefined, labels: {} }), true);
  assert.throws(() => isPruned({ until: ["1h", "2h"] }), { message: "more than one until filter specified" });
  assert.throws(() => isPruned({ until: ["soon"] }), { code: "invalid_argument" });
});
