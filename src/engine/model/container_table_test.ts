import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { ContainerRecords } from "../../store/container_records.ts";
import { Database } from "../../store/database.ts";
import type { ContainerRecord, ContainerState } from "./container.ts";
import { ContainerTable } from "./container_table.ts";
import { EXITED, RUNNING } from "../containers/containers_testing.ts";

const LAYER = digestOfHex("1".repeat(64));
const RECORD: ContainerRecord = {
  ...{ imageName: "busybox", imageId: digestOfHex("0".repeat(64)), layers: [LAYER] },
  ...{ config: {}, hostConfig: {}, platform: "linux" },
};
const id = (start: string) => start.padEnd(64, "0");

/** Records whose state changes can be made to fail, as on a full disk. */
class FailingRecords extends ContainerRecords<ContainerRecord, ContainerState> {
  isFull = false;

  override saveState(id: string, state: ContainerState): void {
    if (this.isFull) throw new Error("database or disk is full");
    super.saveState(id, state);
  }
}

function bench() {
  const db = Database.open(":memory:");
  const records = new FailingRecords(db);
  return {
    records,
    table: new ContainerTable(records),
    /** What the next engine would load. */
    stored: () => new ContainerTable(new ContainerRecords(db)),
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}

Deno.test("find: by full id, name with or without a slash, and unique prefix", () => {
  using it = bench();
  const first = it.table.insert(id("abc1"), "web", RECORD);
  it.table.insert(id("abd2"), "ab", RECORD);
  for (const name of [id("abc1"), "web", "/web", "abc"]) assert.equal(it.table.find(name), first, name);
  // A name has precedence over an id prefix.
  assert.equal(it.table.find("ab").name, "ab");
  assert.throws(() => it.table.find("a"), (thrown) => isTsdError(thrown, "ambiguous_id"));
  for (const name of ["b", "we", "ABC", "", "/"]) {
    assert.throws(() => it.table.find(name), (thrown) => isTsdError(thrown, "container_not_found"), name);
  }
});

Deno.test("insert: a name in use is refused, and nothing is added", () => {
  using it = bench();
  it.table.insert(id("1"), "web", RECORD);
  assert.throws(() => it.table.insert(id("2"), "web", RECORD), (thrown) => isTsdError(thrown, "name_in_use"));
  assert.equal(it.table.has(id("2")), false);
  it.table.remove(it.table.find("web"));
  assert.equal(it.table.hasName("web"), false);
  it.table.insert(id("2"), "web", RECORD);
  assert.deepEqual(it.stored().list().map((container) => container.id), [id("2")]);
});

Deno.test("layers and images that containers refer to", () => {
  using it = bench();
  assert.deepEqual([...it.table.referencedLayers()], []);
  it.table.insert(id("1"), "web", RECORD);
  assert.deepEqual([...it.table.referencedLayers()], [LAYER]);
  assert.deepEqual(it.table.ofImage(RECORD.imageId).map(({ name }) => name), ["web"]);
  assert.deepEqual(it.table.ofImage(LAYER), []);
});

Deno.test("a state is stored before it can be read", () => {
  using it = bench();
  const container = it.table.insert(id("1"), "web", RECORD);
  it.table.setState(container, RUNNING);
  assert.deepEqual(it.stored().find("web").state, RUNNING);
  it.records.isFull = true;
  const other = it.table.insert(id("2"), "other", RECORD);
  assert.throws(() => it.table.setState(other, RUNNING), /disk is full/);
  assert.equal(other.state.status, "created");
});

Deno.test("an end takes effect on a full disk, and is stored once there is space", () => {
  using it = bench();
  const [one, two] = ["1", "2"].map((start) => it.table.insert(id(start), `c${start}`, RECORD));
  for (const container of [one!, two!]) it.table.setState(container, RUNNING);
  it.records.isFull = true;
  it.table.setState(one!, EXITED);
  assert.deepEqual(one!.state, EXITED);
  assert.deepEqual(it.stored().find("c1").state, RUNNING);
  it.records.isFull = false;
  it.table.setState(two!, EXITED);
  for (const name of ["c1", "c2"]) assert.deepEqual(it.stored().find(name).state, EXITED);
});

Deno.test("a removal in progress is known to the next engine, unless it has failed", () => {
  using it = bench();
  const [one, two] = ["1", "2"].map((start) => it.table.insert(id(start), `c${start}`, RECORD));
  for (const container of [one!, two!]) it.table.beginRemoval(container);
  it.table.setState(one!, EXITED);
  it.table.endRemoval(two!);
  const next = it.stored();
  assert.deepEqual(["c1", "c2"].map((name) => next.isBeingRemoved(next.find(name))), [true, false]);
  assert.deepEqual(next.find("c1").state, EXITED);
  it.records.isFull = true;
  it.table.beginRemoval(two!);
  assert.ok(it.table.isBeingRemoved(two!));
});

Deno.test("dispose: stores the states that could not be stored before, except of removed containers", () => {
  using it = bench();
  const [one, two, three] = ["1", "2", "3"].map((start) => it.table.insert(id(start), `c${start}`, RECORD));
  for (const container of [one!, two!, three!]) it.table.setState(container, RUNNING);
  it.records.isFull = true;
  for (const container of [one!, two!, three!]) it.table.setState(container, EXITED);
  it.table.remove(three!);
  it.records.isFull = false;
  it.table[Symbol.dispose]();
  assert.deepEqual(it.stored().list().map(({ name, state }) => [name, state.status]).sort(), [
    ["c1", "exited"],
    ["c2", "exited"],
  ]);
});
