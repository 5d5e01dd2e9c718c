import { strict as assert } from "node:assert";
import { requires, skipOrFail } from "./requires.ts";

Deno.test("requires: what is missing skips on a laptop and fails in CI", () => {
  assert.deepEqual(requires(), { ignore: false });
  for (const ci of [undefined, "", "0", "false"]) assert.deepEqual(skipOrFail(["runc"], ci), { ignore: true });
  assert.throws(() => skipOrFail(["root", "runc"], "true"), /lacks: root, runc$/);
  assert.deepEqual(skipOrFail([], "true"), { ignore: false });
});
