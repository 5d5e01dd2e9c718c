import { strict as assert } from "node:assert";
import { changeView } from "./change_view.ts";

Deno.test("changes have Docker's numbers and UTF-8 names", () => {
  assert.deepEqual(changeView({ path: "/caf\xc3\xa9", kind: "modified" }), { Path: "/café", Kind: 0 });
  assert.deepEqual(changeView({ path: "/a\xff", kind: "added" }), { Path: "/a\ufffd", Kind: 1 });
  assert.deepEqual(changeView({ path: "/b", kind: "deleted" }), { Path: "/b", Kind: 2 });
});
