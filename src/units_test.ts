import { strict as assert } from "node:assert";
import fc from "fast-check";
import { goDuration, parseGoDuration } from "./units.ts";

Deno.test("goDuration formats durations as Go does", () => {
  const texts = {
    "0s": 0,
    "1ns": 1e-6,
    "1.5µs": 1.5e-3,
    "1ms": 1,
    "999.5ms": 999.5,
    "1s": 1000,
    "1.5s": 1500,
    "30s": 30_000,
    "1m0s": 60_000,
    "1m30.25s": 90_250,
    "1h0m0s": 3_600_000,
    "25h1m1s": 90_061_000,
    "-2s": -2000,
  };
  for (const [text, ms] of Object.entries(texts)) assert.equal(goDuration(ms), text);
});

Deno.test("parseGoDuration parses what goDuration formats", () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (micros) => {
    assert.ok(Math.abs(parseGoDuration(goDuration(micros / 1000))! - micros / 1000) < 1e-5);
  }));
});
