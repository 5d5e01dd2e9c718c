import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { Database } from "../../store/database.ts";
import { EventRecords } from "../../store/event_records.ts";
import type { EngineEvent } from "./event.ts";
import { EventBus } from "./event_bus.ts";
import { EventHistory } from "./event_history.ts";
import { OrphanedIntents } from "./orphaned_intents.ts";

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
  assert.equal(new EventRecords(it.db).last()?.sequence, 2);
});

Deno.test("events: what is told is on record by then, with what has changed", () => {
  using it = bench();
  it.tell("a");
  assert.equal(new EventRecords(it.db).last()?.actorId, "a");
  const pending = { type: "volume", action: "create", actorId: "v", attributes: {} } as const;
  const isKept = () => it.db.get("SELECT 1 FROM volumes WHERE name = 'v'") !== undefined;
  const write = () => void it.db.run("INSERT INTO volumes VALUES ('v', 1, 'null', 'null')");
  it.bus.publish(pending, { write, lasts: true });
  assert.deepEqual([new EventRecords(it.db).last()?.actorId, isKept()], ["v", true]);
  // There is such a volume: nothing changes, and nothing is told.
  assert.throws(() => it.bus.publish(pending, { write }));
  assert.equal(it.bus.position.sequence, 2);
});

Deno.test("events: a change is made where the event can't be written, and told", async () => {
  using it = bench();
  it.db.run("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END");
  const events = it.bus.listen(EVERYTHING, never());
  const write = () => void it.db.run("INSERT INTO volumes VALUES ('v', 1, 'null', 'null')");
  it.bus.publish({ type: "volume", action: "create", actorId: "v", attributes: {} }, { write });
  assert.deepEqual(await take(events, 1), ["v"]);
  assert.equal(it.db.get("SELECT count(*) AS n FROM volumes")?.n, 1);
  // A restart of this engine would not lose it.
  it.db.run("DROP TRIGGER full");
  it.history.flush();
  assert.equal(new EventRecords(it.db).last()?.actorId, "v");
});

Deno.test("events: a follower of the next engine goes on after the last one that it got, whatever the clock says", async () => {
  using db = Database.open(":memory:");
  const first = bench(db);
  first.tell("a", "b");
  const after = first.bus.position;
  first.tell("c");
  // Nothing is disposed of: it was killed. The clock of the next one is a quarter of an hour behind.
  using second = bench(db);
  second.clock -= 900_000;
  second.tell("d");
  const events = second.bus.listen({ ...EVERYTHING, after, sinceNano: after.timeNano }, never());
  second.tell("e");
  assert.deepEqual(await take(events, 3), ["c", "d", "e"]);
  // Whose history isn't this one's goes by times.
  const other = { sequence: after.sequence, timeNano: after.timeNano + 1n };
  const byTime = second.bus.listen({ ...EVERYTHING, after: other, sinceNano: after.timeNano }, never());
  assert.deepEqual(await take(byTime, 2), ["b", "c"]);
  first.history[Symbol.dispose]();
});

Deno.test("events: a clock that is corrected doesn't set events back", async () => {
  using db = Database.open(":memory:");
  using first = bench(db);
  first.tell("a", "b");
  const since = first.bus.position.timeNano;
  using second = bench(db);
  second.clock -= 3;
  second.tell("c");
  assert.ok(second.bus.position.timeNano > since);
  assert.deepEqual(await take(second.bus.listen({ ...EVERYTHING, sinceNano: since }, never()), 2), ["b", "c"]);
});

Deno.test("events: of steps that a killed engine had begun the next one tells, or not", async () => {
  using db = Database.open(":memory:");
  const first = bench(db);
  const step = (action: "start" | "stop" | "create", actorId: string) =>
    first.bus.intend({ type: "container", action, actorId, attributes: {} });
  step("start", "a").publish();
  step("start", "b").drop();
  for (const actorId of ["c", "d", "e"]) step("stop", actorId);
  step("create", "f");
  using second = bench(db);
  const left = new OrphanedIntents(() => second.bus.orphanedIntents());
  assert.deepEqual(left.has("container", "create", "f"), true);
  left.settle("container", "stop", "c", true);
  left.settle("container", "stop", "d", false);
  left.settle("container", "stop", "unknown", true);
  left.settleAll(({ action }) => action === "create" ? true : undefined);
  assert.equal(left.take("container", "stop", "c"), undefined);
  left.take("container", "stop", "e")!.publish();
  const reported = second.bus.listen({ ...EVERYTHING, sinceNano: 0n }, never());
  assert.deepEqual(await take(reported, 4), ["a", "c", "f", "e"]);
  using third = bench(db);
  assert.deepEqual(third.bus.orphanedIntents(), []);
  first.history[Symbol.dispose]();
});

Deno.test("events: a detail follows its action; times of one moment differ", async () => {
  using it = bench();
  const events = it.bus.listen(EVERYTHING, never());
  const pending = { type: "container", actorId: "c", attributes: {} } as const;
  it.bus.publish({ ...pending, action: "exec_start", detail: "sh -c true" });
  it.bus.publish({ ...pending, action: "die" });
  const got: EngineEvent[] = [];
  for await (const event of events) if (got.push(event) === 2) break;
  assert.deepEqual(got.map(({ action }) => action), ["exec_start: sh -c true", "die"]);
  assert.deepEqual(got.map(({ timeNano }) => timeNano), [nano(1_000_000), nano(1_000_000) + 1n]);
});
