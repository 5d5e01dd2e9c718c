import { strict as assert } from "node:assert";
import { FakeClock } from "../../async/clock_testing.ts";
import { IdleWatch } from "./idle.ts";

const AFTER_MS = 60_000;

function bench() {
  const clock = new FakeClock();
  const state = { busy: false, idleTimes: 0 };
  const onIdle = () => void state.idleTimes++;
  const watch = new IdleWatch({ afterMs: AFTER_MS, busy: () => state.busy, onIdle, clock });
  return { clock, state, watch };
}

Deno.test("idle after the time without a request, not before", async () => {
  const { clock, state, watch } = bench();
  await clock.advance(AFTER_MS - 1);
  watch.used("tsd/1.0");
  await clock.advance(AFTER_MS - 1);
  watch.used("tsd");
  await clock.advance(AFTER_MS - 1);
  assert.equal(state.idleTimes, 0);
  await clock.advance(1);
  assert.equal(state.idleTimes, 1);
});

Deno.test("what is under way counts; after it the whole time begins anew", async () => {
  const { clock, state } = bench();
  state.busy = true;
  await clock.advance(5 * AFTER_MS);
  state.busy = false;
  assert.equal(state.idleTimes, 0);
  await clock.advance(AFTER_MS);
  assert.equal(state.idleTimes, 1);
});

for (const userAgent of ["Docker-Client/28.2.2 (linux)", "", "tsdx/1", "curl/8"]) {
  Deno.test(`never once ${JSON.stringify(userAgent)} has used it`, async () => {
    const { clock, state, watch } = bench();
    watch.used(userAgent);
    watch.used("tsd/1.0");
    await clock.advance(10 * AFTER_MS);
    assert.equal(state.idleTimes, 0);
    assert.equal(clock.nextInMs, undefined);
  });
}

Deno.test("never once it was disposed of", async () => {
  const { clock, state, watch } = bench();
  watch[Symbol.dispose]();
  await clock.advance(10 * AFTER_MS);
  assert.equal(state.idleTimes, 0);
});
