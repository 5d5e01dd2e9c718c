import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { ContainerRecords } from "../../store/container_records.ts";
import { Database } from "../../store/database.ts";
import { ContainerTable } from "../model/container_table.ts";
import { recordedEvents } from "./containers_testing.ts";
import { ContainerRenamer } from "./rename.ts";

/** The containers `a1` and `b1`. */
function bench() {
  const db = Database.open(":memory:");
  const table = new ContainerTable(new ContainerRecords(db));
  const record = {
    ...{ imageName: "busybox", imageId: digestOfHex("0".repeat(64)), layers: [] },
    ...{ config: {}, hostConfig: {}, platform: "linux" },
  };
  table.insert("1".repeat(64), "a1", record);
  table.insert("2".repeat(64), "b1", record);
  const { reported, events } = recordedEvents();
  return {
    reported,
    table,
    renamer: new ContainerRenamer(table, events),
    /** What another engine would find. */
    stored: () => new ContainerTable(new ContainerRecords(db)),
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}

Deno.test("rename: found under the new name only, also by the next engine", () => {
  using it = bench();
  it.renamer.rename("a1", "/c1");
  assert.deepEqual(it.reported, ["rename oldName=/a1"]);
  for (const table of [it.table, it.stored()]) {
    assert.equal(table.find("c1").id, "1".repeat(64));
    assert.equal(table.find("c1").name, "c1");
    assert.throws(() => table.find("a1"), /No such container: a1/);
  }
  it.renamer.rename("b1", "a1");
  assert.equal(it.table.find("a1").id, "2".repeat(64));
});

Deno.test("rename: Docker's words, and nothing has changed", () => {
  using it = bench();
  const cases: [string, ErrorCode, RegExp][] = [
    [
      "b1",
      "name_in_use",
      /^Error when allocating new name: Conflict\. The container name "\/b1" is already in use by container "2{64}"\./,
    ],
    ["a1", "invalid_argument", /^Renaming a container with the same name as its current name$/],
    [" / ".trim(), "invalid_argument", /^Neither old nor new names may be empty$/],
    ["", "invalid_argument", /^Neither old nor new names may be empty$/],
    ["no spaces", "invalid_argument", /^Error when allocating new name: Invalid container name \(\/no spaces\)/],
  ];
  for (const [name, code, text] of cases) {
    assert.throws(
      () => it.renamer.rename("a1", name),
      (thrown) => isTsdError(thrown, code) && text.test(thrown.message),
    );
  }
  assert.equal(it.table.find("a1").name, "a1");
  assert.deepEqual(it.reported, []);
});
