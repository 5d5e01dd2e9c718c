import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import { RestartTimer, RestartTimers } from "./restart_timer.ts";

function restarter(start: (id: string) => Promise<void> = () => Promise.resolve()) {
  const clock = new FakeClock();
  const started: string[] = [];
  const lines: string[] = [];
  const pending = new RestartTimers({
    clock,
    log: new LineLog((line) => lines.push(line)),
    start: (id) => {
      started.push(`${id}@${clock.now()}`);
      return start(id);
    },
  });
  return { clock, started, lines, pending };
}

Deno.test("restart timer: due, called off, called off by a signal", async () => {
  const clock = new FakeClock();
  const due = new RestartTimer(100, clock);
  const off = new RestartTimer(100, clock);
  off.cancel();
  const abort = new AbortController();
  const aborted = new RestartTimer(100, clock, abort.signal);
  abort.abort();
  const late = new RestartTimer(100, clock, AbortSignal.abort());
  assert.deepEqual(await Promise.all([off.due, aborted.due, late.due]), [false, false, false]);
  await clock.advance(100);
  assert.equal(await due.due, true);
  due.cancel();
  assert.equal(await due.due, true);
  assert.equal(clock.nextInMs, undefined);
});

Deno.test("restarter: starts when it is time, once", async () => {
  const { clock, started, pending } = restarter();
  pending.schedule("a", 100);
  pending.schedule("b", 200);
  await clock.advance(99);
  assert.deepEqual(started, []);
  await clock.advance(1000);
  assert.deepEqual(started, ["a@100", "b@200"]);
  assert.equal(pending.cancel("a"), false);
});

Deno.test("restarter: a new plan replaces the old one; what is called off doesn't happen", async () => {
  const { clock, started, pending } = restarter();
  pending.schedule("a", 100);
  pending.schedule("a", 500);
  pending.schedule("b", 100);
  assert.equal(pending.cancel("b"), true);
  assert.equal(pending.cancel("b"), false);
  await clock.advance(1000);
  assert.deepEqual(started, ["a@500"]);
  pending.schedule("c", 10);
  pending[Symbol.dispose]();
  await clock.advance(1000);
  assert.deepEqual(started, ["a@500"]);
  assert.equal(clock.nextInMs, undefined);
});

Deno.test("restarter: a start that plans another one, and one that fails", async () => {
  const { clock, started, lines, pending } = restarter((id) => {
    if (id === "bad") return Promise.reject(new Error("no such image"));
    if (clock.now() < 500) pending.schedule(id, 100);
    return Promise.resolve();
  });
  pending.schedule("a", 300);
  pending.schedule("bad", 50);
  await clock.advance(1000);
  assert.deepEqual(started, ["bad@50", "a@300", "a@400", "a@500"]);
  assert.equal(lines.length, 1);
  assert.match(lines[0], /restarting a container failed container=bad error="no such image"/);
});
