import { strict as assert } from "node:assert";
import { parseJson } from "./body.ts";

const parse = (text: string) => parseJson(new TextEncoder().encode(text));

Deno.test("json: values, and nothing", () => {
  assert.deepEqual(parse('{"a":[1,"\\"]}["]}'), { a: [1, '"]}['] });
  assert.equal(parse(""), undefined);
  assert.equal(parse("null"), null);
});

Deno.test("json: what is none is refused in one line", () => {
  const message = /^invalid JSON: [\x20-\x7e]+$/;
  for (const text of ["{", "}", '{"a"', "nope", "1 2", '"\n\u202e"', "\\", '"\\']) {
    assert.throws(() => parse(text), { code: "invalid_argument", message }, text);
  }
  assert.throws(() => parseJson(new Uint8Array([0x22, 0xff, 0x22])), { message: "invalid JSON: it is not UTF-8" });
});

Deno.test("json: as deep as anybody needs, and no deeper", () => {
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${"]}".repeat(depth / 2)}`;
  parse(nested(200));
  for (const depth of [202, 1_000_000]) {
    assert.throws(() => parse(nested(depth)), { message: "invalid JSON: exceeded max depth" });
  }
  assert.equal((parse(JSON.stringify("[".repeat(1000))) as string).length, 1000);
});
