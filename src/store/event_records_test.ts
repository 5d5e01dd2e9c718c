import { strict as assert } from "node:assert";
import { Database } from "./database.ts";
import { EventRecords, type StoredEvent } from "./event_records.ts";

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
  assert.equal(records.lastSequence(), 0);
  records.append([event(1), event(2), event(3)], 10);
  assert.equal(records.lastSequence(), 3);
  assert.deepEqual(records.page(ALL), [event(1), event(2), event(3)]);
  assert.deepEqual(records.page({ ...ALL, after: 1, last: 2 }), [event(2)]);
  assert.deepEqual(records.page({ ...ALL, sinceNano: event(2).timeNano, limit: 1 }), [event(2)]);
});

Deno.test("events: only the newest are stored", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  for (let next = 1; next <= 9; next++) records.append([event(next)], 3);
  assert.deepEqual(records.page(ALL).map(({ sequence }) => sequence), [7, 8, 9]);
});

Deno.test("events: a failed batch is rolled back", () => {
  using db = Database.open(":memory:");
  const records = new EventRecords(db);
  records.append([event(2)], 10);
  assert.throws(() => records.append([event(1), event(2)], 10));
  assert.deepEqual(records.page(ALL), [event(2)]);
});
