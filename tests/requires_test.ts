import { strict as assert } from "node:assert";
import { requires, skipOrFail } from "./requires.ts";

Deno.test("requires: missing requirements skip on a laptop and fail in CI", () => {
  assert.deepEqual(requires(), { ignore: false });
  for (const ci of [undefined, "", "0", "false"]) assert.deepEqual(skipOrFail(["runc"], ci), { ignore: true });
  assert.throws(() => skipOrFail(["root", "runc"], "true"), /lacks: root, runc$/);
  assert.deepEqual(skipOrFail([], "true"), { ignore: false });
});
