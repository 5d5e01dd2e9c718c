import { strict as assert } from "node:assert";
import { baseName, clean, dirName, join, requestsContent, requestsDir } from "./paths.ts";
import { entryRenamer, splitEnd, withEndOf } from "./paths.ts";

Deno.test("paths: cleaned like Go's path.Clean", () => {
  const cases: Readonly<Record<string, string>> = {
    "": ".",
    ".": ".",
    "/": "/",
    "//a//b/": "/a/b",
    "a/./b/../c": "a/c",
    "../a/..": "..",
    "../../x": "../../x",
    "/../../x": "/x",
    "a/../..": "..",
  };
  for (const [path, expected] of Object.entries(cases)) assert.equal(clean(path), expected, path);
  assert.equal(join("/a", "/b/../c"), "/a/c");
  assert.equal(join("/", "x"), "/x");
});

Deno.test("paths: base names and directories", () => {
  const cases: readonly (readonly [path: string, base: string, dir: string])[] = [
    ["", ".", "."],
    ["/", "/", "/"],
    ["a", "a", "."],
    ["/a", "a", "/"],
    ["/a/b", "b", "/a"],
    ["/a/b/", "b", "/a/b"],
    ["/a/.", ".", "/a"],
    ["./a", "a", "."],
  ];
  for (const [path, base, dir] of cases) assert.deepEqual([baseName(path), dirName(path)], [base, dir], path);
});

Deno.test("paths: what a trailing slash or dot requests, and how it is preserved", () => {
  assert.deepEqual(["a", "a/", "a/.", ".", "a/./"].map(requestsDir), [false, true, true, true, true]);
  assert.deepEqual(["a", "a/", "a/.", ".", "a/./"].map(requestsContent), [false, false, true, true, true]);
  assert.equal(withEndOf("/a", "a/."), "/a/.");
  assert.equal(withEndOf("/a", "a/"), "/a/");
  assert.equal(withEndOf("/a", "x/../a"), "/a");
  assert.equal(withEndOf("/", "/."), "/.");
  assert.equal(withEndOf("/", "/"), "/");
  assert.equal(withEndOf("/a", "a/./"), "/a/./");
  assert.deepEqual(splitEnd("/a/b/"), { dir: "/a", name: "b" });
  assert.deepEqual(splitEnd("/a/b/."), { dir: "/a/b", name: "." });
  assert.deepEqual(splitEnd("."), { dir: ".", name: "." });
  assert.deepEqual(splitEnd("/"), { dir: "/", name: "/" });
});

Deno.test("paths: renaming entries of archives", () => {
  const names = (from: string, to: string, ...paths: string[]) => paths.map(entryRenamer(from, to));
  assert.deepEqual(names("etc", "copy", "etc/", "etc/passwd", "etcetera"), ["copy/", "copy/passwd", "etcetera"]);
  assert.deepEqual(names(".", "copy", "./", "./a", ".a"), ["copy/", "copy/a", ".a"]);
  assert.deepEqual(names("/", "copy", "/", "/bin/", "/bin/sh"), ["copy/", "copy/bin/", "copy/bin/sh"]);
});
