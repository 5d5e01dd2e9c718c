import { strict as assert } from "node:assert";
import { Deadline, loadFactor, until, untilNone } from "./deadline.ts";

Deno.test("a busy machine is one on which more compete than it has processors", () => {
  const cases: [string, number, number][] = [
    ["0.00 0.00 0.00 1/100 9", 2, 1],
    ["3.00 0.00 0.00 1/100 9", 2, 1.5],
    ["0.50 0.00 0.00 9/100 9", 2, 4],
    ["500.0 400.0 300.0 9/100 9", 2, 10],
  ];
  for (const [loadavg, processors, factor] of cases) assert.equal(loadFactor(loadavg, processors), factor, loadavg);
  assert.ok(loadFactor() >= 1);
});

Deno.test("a limit passes as slowly as the machine is busy", () => {
  const machine = { ms: 0, factor: 1 };
  const deadline = new Deadline(1000, { nowMs: () => machine.ms, factor: () => machine.factor });
  machine.ms = 400;
  assert.equal(deadline.remainingMs, 600);
  machine.factor = 4;
  machine.ms = 2400;
  assert.deepEqual([deadline.remainingMs, deadline.isOver], [100, false]);
  machine.ms = 2800;
  assert.deepEqual([deadline.remainingMs, deadline.isOver], [0, true]);
});

Deno.test("whoever waits for a deadline is called once it has passed, and not before", async () => {
  const machine = { factor: 1000 };
  const deadline = new Deadline(5, { nowMs: () => performance.now(), factor: () => machine.factor });
  const over = Promise.withResolvers<void>();
  let isCalled = false;
  using _waiting = deadline.whenOver(() => {
    isCalled = true;
    over.resolve();
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isCalled, false);
  machine.factor = 0.001;
  await over.promise;
  new Deadline(1, { nowMs: () => 0, factor: () => 1 }).whenOver(() => assert.fail("it was disposed of"))
    [Symbol.dispose]();
});

Deno.test("waiting says what for", async () => {
  let looks = 0;
  await until("the third look", () => ++looks === 3);
  assert.equal(looks, 3);
  await assert.rejects(until("what never comes", () => false, 1), /^Error: Waited \d+ ms for: what never comes$/);
  await assert.rejects(untilNone(() => Promise.resolve(["one", "two"]), 1), /one; two$/);
});
