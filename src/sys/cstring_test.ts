import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../errors.ts";
import { cBytes, cString, cText } from "./cstring.ts";

Deno.test("cString: UTF-8 with one NUL at the end", () => {
  assert.deepEqual([...cString("aé")], [0x61, 0xc3, 0xa9, 0]);
  assert.deepEqual([...cString("")], [0]);
});

Deno.test("cString and cBytes refuse an embedded NUL", () => {
  assert.throws(() => cString("etc\0passwd"), (e) => isTsdError(e, "invalid_argument"));
  assert.throws(() => cBytes("etc\0passwd"), (e) => isTsdError(e, "invalid_argument"));
});

Deno.test("cBytes: each character is one byte; a character above U+00FF is refused", () => {
  assert.deepEqual([...cBytes("a\xe9\xff")], [0x61, 0xe9, 0xff, 0]);
  assert.throws(() => cBytes("\u0100"), (e) => isTsdError(e, "invalid_argument"));
});

Deno.test("cText decodes any text without NUL that cString encoded", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    fc.pre(!text.includes("\0") && !text.startsWith("\ufeff"));
    assert.equal(cText(cString(text)), text);
  }));
});
