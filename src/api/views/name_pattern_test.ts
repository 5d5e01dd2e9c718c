import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { namePattern } from "./name_pattern.ts";

Deno.test("patterns are Go's path.Match", () => {
  const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["a[b-d]c", "abc", true],
    ["a[^b-d]c", "abc", false],
    ["a[^x]c", "a/c", false],
    ["[a-z]*:1.?", "app:1.2", true],
    ["a.c", "abc", false],
    ["a\\*c", "a*c", true],
    ["a\\*c", "abc", false],
    ["[\\]a]", "]", true],
    ["(a|b)+$^{1}", "(a|b)+$^{1}", true],
    ["host:5000/*", "host:5000/app:1", true],
    ["a^&c-_", "a^&c-_", true],
    ["[a-]&&", "a&&", true],
    ["日?", "日本", true],
    ["", "", true],
  ];
  for (const [pattern, name, matches] of cases) {
    assert.equal(namePattern(pattern)(name), matches, `${pattern} on ${name}`);
  }
});

Deno.test("malformed patterns are refused", () => {
  for (const pattern of ["[", "[]", "a[", "[a", "a\\", "[b-a]", "[^"]) {
    assert.throws(() => namePattern(pattern), (thrown) => isTsdError(thrown, "invalid_argument"), pattern);
  }
});
