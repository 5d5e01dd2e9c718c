import { strict as assert } from "node:assert";
import { parseJson } from "./body.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const parse = (text: string, type = JSON_TYPE) => parseJson(new TextEncoder().encode(text), type);

Deno.test("json: values and an empty body", () => {
  assert.deepEqual(parse('{"a":[1,"\\"]}["]}'), { a: [1, '"]}['] });
  assert.equal(parse(""), undefined);
  assert.equal(parse("null"), null);
});

Deno.test("json: the error about invalid JSON is one line", () => {
  const message = /^invalid JSON: [\x20-\x7e]+$/;
  for (const text of ["{", "}", '{"a"', "nope", "1 2", '"\n\u202e"', "\\", '"\\']) {
    assert.throws(() => parse(text), { code: "invalid_argument", message }, text);
  }
  assert.throws(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE), {
    message: "invalid JSON: it is not UTF-8",
  });
});

Deno.test("json: the nesting depth is limited", () => {
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${"]}".repeat(depth / 2)}`;
  parse(nested(200));
  for (const depth of [202, 1_000_000]) {
    assert.throws(() => parse(nested(depth)), { message: "invalid JSON: exceeded max depth" });
  }
  assert.equal((parse(JSON.stringify("[".repeat(1000))) as string).length, 1000);
});

Deno.test("json: the media type is required unless the body is empty", () => {
  assert.equal(parse("", "text/plain"), undefined);
  assert.equal(parse("5", "Application/JSON"), 5);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", "x"]) {
    const message = `unsupported Content-Type header (${type}): must be 'application/json'`;
    assert.throws(() => parse("5", type), { code: "invalid_argument", message });
  }
  for (const type of ["", " ", ";charset=utf-8"]) {
    assert.throws(() => parse("5", type), { message: `malformed Content-Type header (${type}): mime: no media type` });
  }
});

Deno.test("json: an object with a duplicate key is refused, naming the key", () => {
  const cases: readonly (readonly [text: string, key: string])[] = [
    ['{"HostConfig":{"ReadonlyRootfs":true},"HostConfig":{"Memory":5}}', '"HostConfig"'],
    [String.raw`{"a":[{"Labels":{"x":"1","\u0078":"2"}}]}`, '"x"'],
    ['{"\n\u202e":1,"\n\u202e":2}'.replaceAll("\n", "\\n"), '"\\n?"'],
    [`{"${"x".repeat(500)}":1,"${"x".repeat(500)}":2}`, `"${"x".repeat(80)}"`],
  ];
  for (const [text, key] of cases) {
    assert.throws(() => parse(text), { code: "invalid_argument", message: `invalid JSON: duplicate key ${key}` }, text);
  }
  assert.deepEqual(parse('{"a":{"b":1},"A":{"b":2},"c":[{"b":3},{"b":"b:"}]}'), {
    ...{ a: { b: 1 }, A: { b: 2 }, c: [{ b: 3 }, { b: "b:" }] },
  });
});
