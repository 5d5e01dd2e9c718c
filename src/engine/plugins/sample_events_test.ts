import { strict as assert } from "node:assert";
import { HOOK_NAMES, rowOf } from "../../plugins/mod.ts";
import { check } from "../../plugins/validate.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";

Deno.test("the recorded life has every hook, with a context of its shape", () => {
  assert.deepEqual([...new Set(SAMPLE_EVENTS.map(({ hook }) => hook))].sort(), [...HOOK_NAMES].sort());
  for (const { hook, context } of SAMPLE_EVENTS) assert.deepEqual(check(rowOf(hook).context, context, hook), context);
});
