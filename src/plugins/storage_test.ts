import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { Database } from "../store/database.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import type { Json } from "./schema.ts";
import { MAX_KEYS, MAX_VALUE_BYTES, memoryRows, type PluginRows, pluginStorage } from "./storage.ts";

const refused = (thrown: unknown) => isTsdError(thrown, "invalid_argument");

async function contract(rows: PluginRows): Promise<void> {
  const [mine, other] = [pluginStorage(rows, "mine"), pluginStorage(rows, "other")];
  assert.equal(await mine.get("a"), undefined);
  await mine.set("b", null);
  await mine.set("a", { list: [1, "two", null], deep: { yes: true } });
  await mine.set("a2", "first");
  await mine.set("a2", "second");
  assert.deepEqual(await mine.get("a"), { list: [1, "two", null], deep: { yes: true } });
  assert.equal(await mine.get("a2"), "second");
  assert.equal(await mine.get("b"), null);
  assert.deepEqual(await mine.list(), ["a", "a2", "b"]);
  assert.deepEqual(await mine.list("a"), ["a", "a2"]);
  assert.deepEqual(await other.list(), [], "each plugin has its own");
  assert.equal(await mine.delete("a"), true);
  assert.equal(await mine.delete("a"), false);
  await assert.rejects(mine.set("", 1), refused);
  await assert.rejects(mine.set("x".repeat(201), 1), refused);
  await assert.rejects(mine.set("big", "x".repeat(MAX_VALUE_BYTES)), refused);
  await assert.rejects(mine.set("odd", (() => 1) as unknown as Json), refused);
  for (let at = (await mine.list()).length; at < MAX_KEYS; at++) await mine.set(`key ${at}`, at);
  await assert.rejects(mine.set("one too many", 1), refused);
  await mine.set("a2", "what is there may still be changed");
}

Deno.test("a plugin stores keys and values within limits", () => contract(memoryRows()));

Deno.test("the same in the database, where a plugin's rows can be cleared", async () => {
  using db = Database.open(":memory:");
  const rows = new PluginRecords(db);
  await contract(rows);
  rows.set("other", "k", "1");
  rows.clear("mine");
  assert.deepEqual([rows.keys("mine"), rows.keys("other")], [[], ["k"]]);
});
