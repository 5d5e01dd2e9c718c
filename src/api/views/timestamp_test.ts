import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { timestampMs } from "./timestamp.ts";

const NOW = Date.UTC(2024, 0, 2);

Deno.test("a time is a duration before now, seconds, a date or a date and time", () => {
  const cases: readonly (readonly [text: string, ms: number])[] = [
    ["24h", Date.UTC(2024, 0, 1)],
    ["1h30m", NOW - 90 * 60_000],
    ["0", 0],
    ["1136073600", Date.UTC(2006, 0, 1)],
    ["1136073600.5", Date.UTC(2006, 0, 1) + 500],
    ["2006-01-02Z", Date.UTC(2006, 0, 2)],
    ["2006-01-02T15Z", Date.UTC(2006, 0, 2, 15)],
    ["2006-01-02T15:04+01:00", Date.UTC(2006, 0, 2, 14, 4)],
    ["2006-01-02T15:04:05.25Z", Date.UTC(2006, 0, 2, 15, 4, 5) + 250],
    ["2006-01-02", new Date(2006, 0, 2).getTime()],
    ["2006-01-02T15:04:05", new Date(2006, 0, 2, 15, 4, 5).getTime()],
  ];
  for (const [text, ms] of cases) assert.equal(timestampMs(text, NOW), ms, text);
  for (const text of ["", "soon", "2006-13-01", "2006-01-02T", "12:00", "1 h"]) {
    assert.throws(() => timestampMs(text, NOW), (thrown) => isTsdError(thrown, "invalid_argument"), text);
  }
});
