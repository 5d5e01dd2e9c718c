import { strict as assert } from "node:assert";
import { Database } from "./database.ts";
import { EventRecords, type StoredEvent } from "./event_records.ts";
import { VolumeRecords } from "./volume_records.ts";

const event = (sequence: number): StoredEvent => ({
  sequence,
  type: "container",
  action: "start",
  actorId: "c1",
  attributes: { name: `n${sequence}` },
  timeNano: 1_763_942_400_123_456_789n + BigInt(sequence),
});
const ALL = { after: 0, last: 100, sinceNano: 0n, limit: 100 };

Deno.test("events are stored in order with their exact time", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  assert.equal(records.last(), undefined);
  records.append([event(1), event(2), event(3)], 10);
  assert.deepEqual([records.last(), records.get(2), records.get(4)], [event(3), event(2), undefined]);
  assert.deepEqual(records.page(ALL), [event(1), event(2), event(3)]);
  assert.deepEqual(records.page({ ...ALL, after: 1, last: 2 }), [event(2)]);
  assert.deepEqual(records.page({ ...ALL, sinceNano: event(2).timeNano, limit: 1 }), [event(2)]);
});

Deno.test("events: the oldest are dropped now and then", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  for (let next = 1; next <= 513; next++) records.append([event(next)], 3);
  const kept = records.page({ ...ALL, last: 1000 }).map(({ sequence }) => sequence);
  assert.deepEqual(kept, [510, 511, 512, 513]);
});

Deno.test("events: an event and the change that it tells of are written together, or neither is", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  const volumes = new VolumeRecords(db);
  const insert = (name: string) => ({
    write: () => volumes.insert({ name, createdMs: 1, labels: null, options: null }),
  });
  const names = () => volumes.list().map(({ name }) => name);
  for (const lasts of [true, false]) {
    const at = lasts ? 1 : 2;
    records.append([event(at)], 10, { trace: { ...insert(`v${at}`), lasts } });
    // The event can't be written: its number is taken.
    assert.throws(() => records.append([event(at)], 10, { trace: { ...insert("lost"), lasts } }));
    // The change can't: there is such a volume.
    assert.throws(() => records.append([event(9)], 10, { trace: { ...insert(`v${at}`), lasts } }));
  }
  assert.deepEqual([names(), records.page(ALL)], [["v1", "v2"], [event(1), event(2)]]);
});

Deno.test("events: intents last until their event comes, or they are dropped", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  const [first, second] = [records.intend({ action: "start" }), records.intend({ action: "stop" })];
  const third = records.intend({ action: "create" }, { write: () => db.run("DELETE FROM volumes") });
  assert.deepEqual(records.intents(), [
    { id: first, event: { action: "start" } },
    { id: second, event: { action: "stop" } },
    { id: third, event: { action: "create" } },
  ]);
  records.append([event(1)], 10, { intents: [second] });
  records.dropIntent(first);
  assert.deepEqual(records.intents(), [{ id: third, event: { action: "create" } }]);
  assert.throws(() => records.append([event(1)], 10, { intents: [third] }));
  assert.equal(records.intents().length, 1);
});

Deno.test("events: a failed batch is rolled back", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  records.append([event(2)], 10);
  assert.throws(() => records.append([event(1), event(2)], 10));
  assert.deepEqual(records.page(ALL), [event(2)]);
});
