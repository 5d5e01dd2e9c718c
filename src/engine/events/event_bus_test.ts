import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { Database } from "../../store/database.ts";
import { EventRecords } from "../../store/event_records.ts";
import type { EngineEvent } from "./event.ts";
import { EventBus } from "./event_bus.ts";
import { EventHistory } from "./event_history.ts";

interface Bench extends Disposable {
  readonly db: Database;
  readonly bus: EventBus;
  readonly history: EventHistory;
  /** Unix time in ms. */
  clock: number;
  tell(...names: string[]): void;
}

function bench(db = Database.open(":memory:")): Bench {
  const history = new EventHistory(new EventRecords(db), SILENT_LOG);
  const made: Bench = {
    db,
    history,
    clock: 1_000_000,
    bus: new EventBus(history, () => made.clock),
    tell: (...names) => {
      for (const name of names) {
        made.bus.publish({ type: "container", action: "start", actorId: name, attributes: { name } });
      }
    },
    [Symbol.dispose]: () => history[Symbol.dispose](),
  };
  return made;
}

const EVERYTHING = { matches: () => true };
const nano = (ms: number) => BigInt(ms) * 1_000_000n;
const ids = (events: readonly EngineEvent[]) => events.map(({ actorId }) => actorId);
const never = () => new AbortController().signal;

/** The next `count` events of a listener, which then leaves. */
async function take(events: AsyncIterable<EngineEvent>, count: number): Promise<string[]> {
  const got: EngineEvent[] = [];
  for await (const event of events) if (got.push(event) === count) break;
  return ids(got);
}

Deno.test("events: without since only what happens from now on", async () => {
  using it = bench();
  it.tell("a");
  const events = it.bus.listen(EVERYTHING, never());
  it.tell("b", "c");
  assert.deepEqual(await take(events, 2), ["b", "c"]);
  assert.equal(it.bus.listenerCount, 0);
});

Deno.test("events: the past goes over into the present without gap or repetition, wherever it was written", async () => {
  const steps = fc.array(fc.constantFrom("tell", "flush"), { maxLength: 30 });
  await fc.assert(fc.asyncProperty(steps, steps, async (before, after) => {
    using it = bench();
    let reported = 0;
    const play = (step: string) => step === "tell" ? it.tell(String(reported++)) : it.history.flush();
    before.forEach(play);
    const events = it.bus.listen({ ...EVERYTHING, sinceNano: 0n }, never());
    after.forEach(play);
    it.tell("end");
    const got = await take(events, reported + 1);
    assert.deepEqual(got, [...Array.from({ length: reported }, (_, at) => String(at)), "end"]);
  }));
});

Deno.test("events: until in the past replays and ends; both bounds count", async () => {
  using it = bench();
  for (let ms = 1; ms <= 5; ms++) {
    it.clock = ms;
    it.tell(String(ms));
  }
  it.clock = 100;
  const between = { ...EVERYTHING, sinceNano: nano(2), untilNano: nano(4) };
  assert.deepEqual(ids(await Array.fromAsync(it.bus.listen(between, never()))), ["2", "3", "4"]);
  const upTo = { ...EVERYTHING, untilNano: nano(2) };
  assert.deepEqual(ids(await Array.fromAsync(it.bus.listen(upTo, never()))), ["1", "2"]);
});

Deno.test("events: until in the future ends the listening then", async () => {
  using it = bench();
  const events = it.bus.listen({ ...EVERYTHING, untilNano: nano(it.clock + 30) }, never());
  it.tell("a");
  it.clock += 30;
  assert.deepEqual(ids(await Array.fromAsync(events)), ["a"]);
  assert.equal(it.bus.listenerCount, 0);
});

Deno.test("events: a listener that leaves, by signal or by itself, leaves nothing", async () => {
  using it = bench();
  const removed = new AbortController();
  const events = it.bus.listen(EVERYTHING, removed.signal);
  assert.equal(it.bus.listenerCount, 1);
  removed.abort();
  assert.equal(it.bus.listenerCount, 0);
  assert.deepEqual(await Array.fromAsync(events), []);
  assert.deepEqual(await Array.fromAsync(it.bus.listen(EVERYTHING, removed.signal)), []);
});

Deno.test("events: who falls too far behind is cut off, and told", async () => {
  using it = bench();
  const slow = it.bus.listen(EVERYTHING, never());
  for (let at = 0; at <= 10_000; at++) it.tell("x");
  assert.equal(it.bus.listenerCount, 0);
  await assert.rejects(Array.fromAsync(slow), (thrown) => isTsdError(thrown, "cancelled"));
});

Deno.test("events: kept over a restart of the engine, in order", async () => {
  using db = Database.open(":memory:");
  {
    using first = bench(db);
    first.tell("a", "b");
  }
  using second = bench(db);
  second.tell("c");
  const events = second.bus.listen({ ...EVERYTHING, sinceNano: 0n }, never());
  assert.deepEqual(await take(events, 3), ["a", "b", "c"]);
});

Deno.test("events: a long past comes piece by piece", async () => {
  using it = bench();
  const names = Array.from({ length: 1201 }, (_, at) => String(at));
  it.tell(...names);
  assert.deepEqual(await take(it.bus.listen({ ...EVERYTHING, sinceNano: 0n }, never()), names.length), names);
});

Deno.test("events: a disk that takes nothing costs listeners nothing", async () => {
  using it = bench();
  it.db.run("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END");
  it.tell("a");
  it.history.flush();
  it.tell("b");
  assert.deepEqual(await take(it.bus.listen({ ...EVERYTHING, sinceNano: 0n }, never()), 2), ["a", "b"]);
  it.db.run("DROP TRIGGER full");
  it.history.flush();
  assert.equal(new EventRecords(it.db).lastSequence(), 2);
});

Deno.test("events: a detail follows its action; times of one moment differ", async () => {
  using it = bench();
  const events = it.bus.listen(EVERYTHING, never());
  const happening = { type: "container", actorId: "c", attributes: {} } as const;
  it.bus.publish({ ...happening, action: "exec_start", detail: "sh -c true" });
  it.bus.publish({ ...happening, action: "die" });
  const got: EngineEvent[] = [];
  for await (const event of events) if (got.push(event) === 2) break;
  assert.deepEqual(got.map(({ action }) => action), ["exec_start: sh -c true", "die"]);
  assert.deepEqual(got.map(({ timeNano }) => timeNano), [nano(1_000_000), nano(1_000_000) + 1n]);
});
