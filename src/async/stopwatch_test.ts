import { strict as assert } from "node:assert";
import { listenToPhases, Stopwatch } from "./stopwatch.ts";

const nextTask = () => new Promise((resolve) => setTimeout(resolve, 0));

async function steps(names: readonly string[]): Promise<Stopwatch> {
  const watch = new Stopwatch();
  for (const name of names) {
    await nextTask();
    watch.lap(name);
  }
  return watch;
}

Deno.test("a stopwatch returns its phases as log fields", async () => {
  const { fields } = await steps(["mount", "spec"]);
  assert.deepEqual(Object.keys(fields), ["mountMs", "specMs"]);
  for (const ms of Object.values(fields)) assert.match(ms, /^\d+\.\d$/);
});

Deno.test("a listener receives the phases of its own work only, whatever runs concurrently", async () => {
  const received: Record<string, string[]> = { a: [], b: [] };
  await Promise.all([
    listenToPhases(({ name }) => received.a!.push(name), () => steps(["a1", "a2"])),
    steps(["alone"]),
    listenToPhases(({ name, ms }) => received.b!.push(`${name}${ms >= 0}`), () => steps(["b"])),
  ]);
  assert.deepEqual(received, { a: ["a1", "a2"], b: ["btrue"] });
});
