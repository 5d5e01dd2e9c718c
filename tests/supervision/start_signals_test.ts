/** Signals and other steps right after a start reach the container's program, never the runtime's init. */
import { strict as assert } from "node:assert";
import { startSetup } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { afterStarts, execute, list, pause, stop, terminate } from "./start_signals.ts";

const needs = requires("root", "runc");

Deno.test(
  "a SIGTERM right after a start terminates the container's program, sequentially and four at once",
  needs,
  async () => {
    await using setup = await startSetup();
    assert.deepEqual(await afterStarts(setup, terminate, { count: 20 }), { 143: 20 });
    assert.deepEqual(await afterStarts(setup, terminate, { count: 20, atOnce: 4 }), { 143: 20 });
  },
);

Deno.test("stop, pause, top and exec right after a start find the container's program", needs, async () => {
  await using setup = await startSetup();
  assert.deepEqual(await afterStarts(setup, stop, { count: 10, atOnce: 2 }), { 143: 10 });
  assert.deepEqual(await afterStarts(setup, pause, { count: 10, atOnce: 2 }), { 143: 10 });
  assert.deepEqual(await afterStarts(setup, list, { count: 10, atOnce: 2 }), { "200 top": 10 });
  assert.deepEqual(await afterStarts(setup, execute, { count: 10, atOnce: 2 }), { "200 200 top; sleep 1000": 10 });
});
