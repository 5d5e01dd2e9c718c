import { strict as assert } from "node:assert";
import { drainPlugins } from "./shutdown.ts";
import type { Engine } from "../engine/mod.ts";

/** Sets up an engine whose operations and exits finish when the test says so. */
function setup() {
  const calls: string[] = [];
  const [steps, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const note = (what: string) => () => Promise.resolve(void calls.push(what));
  const engine = {
    tasks: { supervisor: { idle: () => ends.promise.then(note("ends told")), leave: note("ends noted only") } },
    containers: { service: { idle: () => steps.promise.then(note("steps over")) } },
    execs: { starter: { idle: () => Promise.resolve() } },
    runtime: { stdioRouter: { sample: () => {} } },
    plugins: { service: { [Symbol.asyncDispose]: note("plugins away") } },
  } as unknown as Engine;
  return { calls, steps, ends, engine };
}

Deno.test("shutdown: exits are reported before plugins are closed", async () => {
  const { calls, steps, ends, engine } = setup();
  const parted = drainPlugins(engine);
  steps.resolve();
  await Promise.resolve();
  ends.resolve();
  await parted;
  assert.deepEqual(calls, ["ends told", "steps over", "plugins away"]);
});

Deno.test("re-execution: exits are left to the next engine before plugins are closed", async () => {
  const { calls, steps, engine } = setup();
  steps.resolve();
  await drainPlugins(engine, { isHandedOn: true });
  assert.deepEqual(calls, ["steps over", "ends noted only", "plugins away"]);
});

Deno.test("an operation that waits for a plugin continues when that is closed, and delays nothing", async () => {
  const { calls, steps, engine } = setup();
  const parted = drainPlugins(engine, { isHandedOn: true, restMs: 1 });
  while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  steps.resolve();
  await parted;
  assert.deepEqual(calls, ["plugins away", "steps over", "ends noted only"]);
});
