import { strict as assert } from "node:assert";
import { drainPlugins } from "./shutdown.ts";
import { type Get, TOKENS } from "./tokens.ts";

/** An engine whose steps and seen ends are over when the test says so. */
function bench() {
  const said: string[] = [];
  const [steps, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const note = (what: string) => () => Promise.resolve(void said.push(what));
  const parts = new Map<unknown, unknown>([
    [TOKENS.runs, { idle: () => ends.promise.then(note("ends told")), leave: note("ends noted only") }],
    [TOKENS.containers, { idle: () => steps.promise.then(note("steps over")) }],
    [TOKENS.execLauncher, { idle: () => Promise.resolve() }],
    [TOKENS.outputs, { sample: () => {} }],
    [TOKENS.plugins, { [Symbol.asyncDispose]: note("plugins away") }],
  ]);
  return { said, steps, ends, get: ((token: unknown) => parts.get(token)) as Get };
}

Deno.test("an engine that ends: what has ended is told before plugins are put away", async () => {
  const { said, steps, ends, get } = bench();
  const parted = drainPlugins(get);
  steps.resolve();
  await Promise.resolve();
  ends.resolve();
  await parted;
  assert.deepEqual(said, ["ends told", "steps over", "plugins away"]);
});

Deno.test("an engine that is followed by another: ends are that one's to tell before plugins are put away", async () => {
  const { said, steps, get } = bench();
  steps.resolve();
  await drainPlugins(get, { isHandedOn: true });
  assert.deepEqual(said, ["steps over", "ends noted only", "plugins away"]);
});

Deno.test("a step that waits for a plugin goes on when that is put away, and holds nothing up", async () => {
  const { said, steps, get } = bench();
  const parted = drainPlugins(get, { isHandedOn: true, restMs: 1 });
  while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  steps.resolve();
  await parted;
  assert.deepEqual(said, ["plugins away", "steps over", "ends noted only"]);
});
