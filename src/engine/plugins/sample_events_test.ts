import { strict as assert } from "node:assert";
import { HOOK_NAMES, rowOf } from "../../plugins/mod.ts";
import { check } from "../../plugins/validate.ts";
import { RECORDED_LIFE } from "./sample_events.ts";

Deno.test("the recorded life has every hook, with a context of its shape", () => {
  assert.deepEqual([...new Set(RECORDED_LIFE.map(({ hook }) => hook))].sort(), [...HOOK_NAMES].sort());
  for (const { hook, context } of RECORDED_LIFE) assert.deepEqual(check(rowOf(hook).context, context, hook), context);
});
