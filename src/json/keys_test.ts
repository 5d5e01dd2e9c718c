import { strict as assert } from "node:assert";
import fc from "fast-check";
import { duplicateKey, measureJson, objectKeys } from "./keys.ts";

const twice = (text: string) => duplicateKey(text, JSON.parse(text));

Deno.test("duplicateKey finds a key that one object has twice, in any spelling and at any depth", () => {
  const texts: readonly (readonly [text: string, key: string | undefined])[] = [
    ['{"a":1,"a":1}', "a"],
    ['{"a":{"x":1},"b":2,"a":{"y":1}}', "a"],
    [String.raw`{"a":1,"\u0061":2}`, "a"],
    ['[[{"b":1},{"c":[{"d":{},"e":[],"d":{}}]}]]', "d"],
    ['{"":1,"":2}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a":{"a":{"a":["a","a",":","{"]}},"b":[{"a":1},{"a":1}],"c":"\\"a\\":"}', undefined],
    ['{"a":1,"A":2}', undefined],
    ['{"__proto__":{"a":1},"a":2}', undefined],
    ['"a:a"', undefined],
    ["[]", undefined],
  ];
  for (const [text, key] of texts) assert.equal(twice(text), key, text);
});

Deno.test("duplicateKey: no serialized value has one; an added key is found", () => {
  const keyed = fc.jsonValue({ maxDepth: 4 }).filter((value) => value !== null && typeof value === "object");
  fc.assert(fc.property(keyed, fc.string(), (value, key) => {
    assert.equal(twice(JSON.stringify(value)), undefined);
    const doubled = `[${JSON.stringify(value)},{${JSON.stringify(key)}:1,${JSON.stringify(key)}:${
      JSON.stringify(value)
    }}]`;
    assert.equal(twice(doubled), key);
  }));
});

Deno.test("measureJson: depth and number of keys of any text, JSON or not", () => {
  const sizes: readonly (readonly [text: string, depth: number, keys: number])[] = [
    ['{"a":[{"b":"{[:"}],"c":1}', 3, 3],
    ['"\\"[[[:"', 0, 0],
    ["]]][", 0, 0],
    ["[[[", 3, 0],
    ['"[', 0, 0],
    ['"\\', 0, 0],
    [String.raw`{"a\\":["\\\"{"],"\"":1}`, 2, 2],
    ["", 0, 0],
  ];
  for (const [text, depth, keys] of sizes) assert.deepEqual(measureJson(text), { depth, keys }, text);
});

Deno.test("objectKeys yields keys with the name of their object", () => {
  const found = [...objectKeys('{"a":{"b":1},"c":[{"d":{"e":1}}]}')].map(({ key, object }) => `${object.name}/${key}`);
  assert.deepEqual(found, ["/a", "a/b", "/c", "/d", "d/e"]);
});
