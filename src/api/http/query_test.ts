import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { Query } from "./query.ts";

const query = (text: string) => new Query(new URLSearchParams(text));
const filters = (value: string, known = ["status", "label"]) =>
  new Map(query(`filters=${encodeURIComponent(value)}`).filters(known));

Deno.test("text: an empty value counts as missing", () => {
  assert.equal(query("a=b&a=c").text("a"), "b");
  for (const text of ["", "a=", "b=1"]) assert.equal(query(text).text("a"), undefined);
  assert.equal(query("a=%2Fx%20y").text("a"), "/x y");
});

Deno.test("flags are true unless they have one of Docker's values for false", () => {
  for (const no of ["a=", "a=0", "a=no", "a=false", "a=None", "a=%20FALSE%20"]) {
    assert.equal(query(no).flag("a"), false, no);
  }
  for (const yes of ["a=1", "a=true", "a=yes", "a=off", "a=2"]) assert.equal(query(yes).flag("a"), true, yes);
  assert.equal(query("").flag("a"), false);
  assert.equal(query("").flag("a", true), true);
});

Deno.test("integers are parsed, anything else is refused", () => {
  assert.deepEqual(["a=7", "a=-1", "a=%2B3", "a=", ""].map((text) => query(text).integer("a")), [
    7,
    -1,
    3,
    undefined,
    undefined,
  ]);
  for (const text of ["a=x", "a=1.5", "a=1e3", "a=0x10", "a=9007199254740993", "a=%201"]) {
    assert.throws(() => query(text).integer("a"), (thrown) => isTsdError(thrown, "invalid_argument"), text);
  }
});

Deno.test("filters: both forms that clients send", () => {
  assert.deepEqual(
    filters('{"status":["running","exited"],"label":["a=b"]}'),
    new Map([
      ["status", ["running", "exited"]],
      ["label", ["a=b"]],
    ]),
  );
  assert.deepEqual(filters('{"status":{"running":true,"exited":false}}'), new Map([["status", ["running"]]]));
  assert.deepEqual(filters("{}"), new Map());
  assert.equal(query("").filters([]).size, 0);
});

Deno.test("malformed and unknown filters are refused", () => {
  for (const bad of ["x", "[]", '"a"', "null", '{"status":"running"}', '{"status":null}', '{"status":5}']) {
    assert.throws(() => filters(bad), (thrown) => isTsdError(thrown, "invalid_argument"), bad);
  }
  assert.throws(
    () => filters('{"colour":["red"]}'),
    (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message === "invalid filter 'colour'",
  );
  assert.throws(() => filters('{"__proto__":["a"]}'), (thrown) => isTsdError(thrown, "invalid_argument"));
});
