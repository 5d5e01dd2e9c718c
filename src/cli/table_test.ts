import { strict as assert } from "node:assert";
import fc from "fast-check";
import { renderTable } from "./table.ts";
import { humanBinarySize, humanDuration, humanSize, parseGoDuration } from "../units.ts";

Deno.test("table: columns are padded as the docker CLI does", () => {
  assert.equal(
    renderTable([["REPOSITORY", "TAG", "SIZE"], ["a", "latest", "1B"], ["äöü", "x", "12.3MB"]]),
    "REPOSITORY   TAG       SIZE\na            latest    1B\näöü          x         12.3MB\n",
  );
  assert.equal(renderTable([]), "");
  assert.equal(renderTable([["a", ""]]), "a         \n");
});

Deno.test("table: every column is aligned", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", "b", " ", "ü", "😀") });
  const rows = fc.integer({ min: 1, max: 5 }).chain((count) =>
    fc.array(fc.array(cell, { minLength: count, maxLength: count }))
  );
  fc.assert(fc.property(rows, (cells) => {
    const marked = cells.map((row) => row.map((text) => `|${text}`));
    const lines = renderTable(marked).split("\n").slice(0, -1);
    const starts = lines.map((line) => [...line].flatMap((char, at) => char === "|" ? [at] : []));
    for (const start of starts) assert.deepEqual(start, starts[0]);
  }));
});

Deno.test("durations: are formatted as the docker CLI does", () => {
  const seconds = (count: number) => humanDuration(count * 1000);
  assert.deepEqual(
    [0.9, 1, 59, 60, 119, 120, 3599, 3600, 5399, 5400, 47 * 3600, 48 * 3600, 13 * 86400].map(seconds),
    [
      "Less than a second",
      "1 second",
      "59 seconds",
      "About a minute",
      "About a minute",
      "2 minutes",
      "59 minutes",
      "About an hour",
      "About an hour",
      "2 hours",
      "47 hours",
      "2 days",
      "13 days",
    ],
  );
  assert.deepEqual([14, 59, 60, 729, 730].map((days) => seconds(days * 86400)), [
    "2 weeks",
    "8 weeks",
    "2 months",
    "24 months",
    "2 years",
  ]);
});

Deno.test("sizes: are formatted with decimal and binary units", () => {
  assert.deepEqual([0, 999, 1000, 7_834_567, 999_999, 123_456_789_012].map((size) => humanSize(size)), [
    "0B",
    "999B",
    "1kB",
    "7.835MB",
    "1MB",
    "123.5GB",
  ]);
  assert.equal(humanSize(7_834_567, 3), "7.83MB");
  assert.equal(humanBinarySize(16_758_366_208), "15.61GiB");
});

Deno.test("durations: are parsed in Go's syntax", () => {
  assert.deepEqual(["1h30m", "1.5s", "-10ms", "0", "300us", "2µs"].map(parseGoDuration), [
    5_400_000,
    1500,
    -10,
    0,
    0.3,
    0.002,
  ]);
  for (const bad of ["", "10", "1d", "h", "1h ", "1hm"]) assert.equal(parseGoDuration(bad), undefined);
});
