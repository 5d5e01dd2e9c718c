import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isTsdError } from "../../errors.ts";
import { friendlyName, parseContainerName, randomId } from "./names.ts";

Deno.test("container names: Docker's grammar, without the leading slash", () => {
  for (const name of ["ab", "a.b-c_D9", "0x", "a".repeat(255)]) assert.equal(parseContainerName(name), name);
  assert.equal(parseContainerName("/web"), "web");
  for (const name of ["", "a", "/", "-ab", ".ab", "_ab", "a b", "a/b", "//ab", "ä1", "ab\n", "a".repeat(256)]) {
    assert.throws(
      () => parseContainerName(name),
      (thrown) =>
        isTsdError(thrown, "invalid_argument") &&
        thrown.message.endsWith("only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed") && thrown.message.length < 400,
      JSON.stringify(name),
    );
  }
});

Deno.test("valid names contain nothing that is special in a path or a shell", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    let name: string;
    try {
      name = parseContainerName(text);
    } catch (thrown) {
      return isTsdError(thrown, "invalid_argument");
    }
    return /^[\w.-]+$/.test(name) && name !== ".." && name !== ".";
  }));
});

Deno.test("ids are 64 hex digits, whose first twelve are never a number", () => {
  const ids = new Set(Array.from({ length: 500 }, randomId));
  assert.equal(ids.size, 500);
  for (const id of ids) assert.match(id, /^(?=.{0,11}[a-f])[0-9a-f]{64}$/);
});

Deno.test("a generated name is valid and free, also if many are in use", () => {
  const taken = new Set<string>();
  for (let n = 0; n < 500; n++) {
    const name = friendlyName((each) => taken.has(each));
    assert.equal(parseContainerName(name), name);
    assert.match(name, /^[a-z]+_[a-z]+\d*$/);
    assert.ok(!taken.has(name));
    taken.add(name);
  }
  // All names without a digit are in use.
  assert.match(friendlyName((each) => !/\d/.test(each)), /^[a-z]+_[a-z]+\d+$/);
});
