import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { choice, flag, json, list, map, object, optional, type Schema, text, whole } from "./schema.ts";
import { check, conform } from "./validate.ts";

const SHAPE = object({
  name: text("a name"),
  size: optional(whole("a number")),
  on: optional(flag("a switch")),
  kind: optional(choice(["a", "b"], "a word")),
  items: optional(list(object({ id: text("an id") }), "some")),
  labels: optional(map(text("a value"), "some")),
  free: optional(json("anything")),
});

Deno.test("a matching value is copied; null counts as omitted", () => {
  const value = { name: "x", size: 3, kind: "b", items: [{ id: "1" }], labels: { a: "b" }, free: { deep: [null, 1] } };
  const copy = conform(SHAPE, value);
  assert.deepEqual(copy, value);
  assert.notEqual(copy.items, value.items);
  assert.deepEqual(conform(SHAPE, { name: "x", size: null, items: undefined }), { name: "x" });
  // Checked by the compiler.
  const [size, kind]: [number | undefined, "a" | "b" | undefined] = [copy.size, copy.kind];
  assert.deepEqual([size, kind], [3, "b"]);
});

Deno.test("an error names the field", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [[], "the value is no object"],
    [new Map(), "the value is no object"],
    [{}, "name is missing"],
    [{ name: 7 }, "name is no text"],
    [{ name: "a\0b" }, "name is a text with a NUL"],
    [{ name: "x".repeat(70_000) }, "name is longer than 65536 characters"],
    [{ name: "x", size: 1.5 }, "size is no whole number"],
    [{ name: "x", size: "1" }, "size is no whole number"],
    [{ name: "x", on: 1 }, "on is neither true nor false"],
    [{ name: "x", kind: "c" }, "kind is none of a, b"],
    [{ name: "x", items: {} }, "items is no list"],
    [{ name: "x", items: [{ id: "1" }, { id: 2 }] }, "items[1].id is no text"],
    [{ name: "x", items: Array(1001).fill({ id: "1" }) }, "items is longer than 1000 items"],
    [{ name: "x", labels: { a: 1 } }, "labels.a is no text"],
    [{ name: "x", free: () => 1 }, "free is nothing that JSON can say"],
    [{ name: "x", free: NaN }, "free is nothing that JSON can say"],
  ];
  for (const [value, message] of wrong) {
    assert.throws(() => check(SHAPE, value), (thrown) => {
      assert.ok(isTsdError(thrown, "invalid_argument"));
      assert.equal(thrown.message, message);
      return true;
    });
  }
  assert.throws(
    () => check(SHAPE, { name: "x", nmae: 1 }, "config"),
    /^TsdError: config\.nmae is no field that is known/,
  );
});

Deno.test("the depth of free-form JSON is limited, and names of Object.prototype are not fields", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 40; level++) deep = [deep];
  assert.throws(() => check(json("anything"), deep), /too deep/);
  assert.throws(() => check(SHAPE, JSON.parse('{"name":"x","constructor":1}')), /constructor is no field/);
  const schema: Schema = map(text("a value"), "some");
  const copy = check(schema, JSON.parse('{"__proto__":"x"}')) as Record<string, string>;
  assert.deepEqual(Object.keys(copy), ["__proto__"]);
});
