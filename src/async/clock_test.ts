import { strict as assert } from "node:assert";
import { SYSTEM_CLOCK } from "./clock.ts";
import { FakeClock } from "./clock_testing.ts";

Deno.test("system clock: calls back unless disposed of; delays of years don't overflow", async () => {
  const called: string[] = [];
  const done = Promise.withResolvers<void>();
  using _years = SYSTEM_CLOCK.after(1e12, () => called.push("years"));
  SYSTEM_CLOCK.after(1, () => called.push("never"))[Symbol.dispose]();
  const before = SYSTEM_CLOCK.now();
  SYSTEM_CLOCK.after(20, done.resolve);
  await done.promise;
  assert.ok(SYSTEM_CLOCK.now() - before >= 19);
  assert.deepEqual(called, []);
});

Deno.test("fake clock: due callbacks run in order, including those that they schedule", async () => {
  const clock = new FakeClock(1000);
  const called: string[] = [];
  const record = (what: string) => () => void called.push(`${what}@${clock.now()}`);
  clock.after(30, record("late"));
  clock.after(10, () => {
    record("early")();
    clock.after(5, record("then"));
  });
  assert.equal(clock.nextInMs, 10);
  await clock.advance(29);
  assert.deepEqual(called, ["early@1010", "then@1015"]);
  await clock.advance(1);
  assert.deepEqual(called, ["early@1010", "then@1015", "late@1030"]);
  assert.equal(clock.now(), 1030);
});
