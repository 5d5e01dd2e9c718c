import { strict as assert } from "node:assert";
import { timestampNow } from "./clock.ts";

Deno.test("timestamps have nine fractional digits, are close to the wall clock and don't decrease", () => {
  let last = "";
  for (let i = 0; i < 1000; i++) {
    const time = timestampNow();
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 50);
    assert.ok(time >= last);
    last = time;
  }
});

Deno.test("timestamps follow a wall clock that was set", () => {
  const { now } = Date;
  const dayMs = 86_400_000;
  try {
    for (const shiftMs of [dayMs, -dayMs]) {
      Date.now = () => now() + shiftMs;
      assert.ok(Math.abs(Date.parse(timestampNow()) - Date.now()) < 50);
    }
  } finally {
    Date.now = now;
  }
});
