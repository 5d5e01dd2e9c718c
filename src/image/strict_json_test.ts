import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import { Members, parseStrictJson } from "./strict_json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string) => parseStrictJson(bytes(text), "manifest of x");
const refused = (text: string, pattern: RegExp) =>
  assert.throws(
    () => parse(text),
    (error: Error) => isTsdError(error, "manifest_invalid") && pattern.test(error.message),
  );

Deno.test("valid objects are parsed as by JSON.parse", () => {
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 3 })), (value) => {
    const lowered = JSON.parse(JSON.stringify(value, (_, inner) => distinctKeys(inner)));
    assert.deepEqual(parse(JSON.stringify(lowered)), lowered);
  }));
});

/** Renames keys so that no two differ only in case. */
function distinctKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.values(value).map((member, index) => [`key${index}`, member]));
}

Deno.test("duplicate keys are rejected at any depth and with any escapes", () => {
  refused(`{"a":1,"a":2}`, /the key "a" stands twice/);
  refused(`{"x":[{"a":{},"b":[],"a":{}}]}`, /the key "a" stands twice/);
  refused(String.raw`{"a":1,"\u0061":2}`, /the key "a" stands twice/);
  refused(`{"annotations":{"a":"1","a":"2"}}`, /stands twice/);
});

Deno.test("keys that differ only in case are rejected, except in maps with arbitrary keys", () => {
  refused(`{"layers":[],"Layers":[]}`, /"layers" and "Layers" differ only in case/);
  assert.ok(parse(`{"config":{"Labels":{"a":"1","A":"2"}}}`));
  refused(`{"config":{"Labels":{"a":"1"},"labels":{}}}`, /differ only in case/);
  // Go takes these for an s and a k.
  refused(`{"layers":[],"layer\u017f":[]}`, /differ only in case/);
  refused(`{"rank":1,"ran\u212a":2}`, /differ only in case/);
});

Deno.test("equal keys in different objects, and strings that look like keys, are accepted", () => {
  assert.ok(parse(`{"a":{"a":{"a":["a","a",":","{"]}},"b":[{"a":1},{"a":1}],"c":"\\"a\\":"}`));
});

Deno.test("input that is not a JSON object in UTF-8 is rejected", () => {
  for (const text of ["", "[]", "null", "1", "{", "{} {}", `{"a":1,}`, `"a"`, "\ufeff{}"]) {
    refused(text, /manifest of x/);
  }
  assert.throws(() => parseStrictJson(Uint8Array.of(0x7b, 0xff, 0x7d), "m"), /not UTF-8/);
});

Deno.test("size and depth are limited, and parsing takes linear time", () => {
  const started = performance.now();
  refused("[".repeat(200_000) + "]".repeat(200_000), /nested deeper than 64/);
  refused(`{"a":`.repeat(200_000) + "1" + "}".repeat(200_000), /nested deeper/);
  refused(`{"a":"${"x".repeat(4 << 20)}"}`, /over 4194304/);
  refused('"' + '\\"'.repeat(1_000_000), /not JSON/);
  refused('"'.repeat(4_000_001), /not JSON/);
  assert.throws(() => parseStrictJson(new Uint8Array(64 << 20), "m"), /over 4194304/);
  assert.ok(performance.now() - started < 3000);
});

Deno.test("members are typed, null is absent, and errors name the member", () => {
  const members = (object: Record<string, unknown>) =>
    new Members(object, "config of x", "config.", ["Env", "User", "n"]);
  assert.deepEqual(members({ Env: ["a"] }).strings("Env"), ["a"]);
  assert.equal(members({ Env: null }).strings("Env"), undefined);
  assert.equal(members({}).string("toString"), undefined);
  assert.throws(() => members({ Env: "a" }).strings("Env"), {
    message: "Cannot use config of x: config.Env is not a list of strings",
  });
  assert.throws(() => members({ Env: ["a\0b"] }).strings("Env"), /not a list of strings/);
  assert.throws(() => members({ n: 1.5 }).integer("n"), /not an integer/);
  assert.throws(() => members({ n: 2 ** 60 }).integer("n"), /not an integer/);
  for (const key of ["user", "U\u017fer"]) {
    assert.throws(() => members({ [key]: "x" }), {
      message: `Cannot use config of x: config.${key} is not spelt User`,
    });
  }
});
