import { strict as assert } from "node:assert";
import { listenToPhases, Stopwatch } from "./stopwatch.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function steps(names: readonly string[]): Promise<Stopwatch> {
  const watch = new Stopwatch();
  for (const name of names) {
    await turn();
    watch.lap(name);
  }
  return watch;
}

Deno.test("a stopwatch names its phases for the log", async () => {
  const { fields } = await steps(["mount", "spec"]);
  assert.deepEqual(Object.keys(fields), ["mountMs", "specMs"]);
  for (const ms of Object.values(fields)) assert.match(ms, /^\d+\.\d$/);
});

Deno.test("who listens hears the phases of its own work, whatever runs beside it", async () => {
  const heard: Record<string, string[]> = { a: [], b: [] };
  await Promise.all([
    listenToPhases(({ name }) => heard.a!.push(name), () => steps(["a1", "a2"])),
    steps(["alone"]),
    listenToPhases(({ name, ms }) => heard.b!.push(`${name}${ms >= 0}`), () => steps(["b"])),
  ]);
  assert.deepEqual(heard, { a: ["a1", "a2"], b: ["btrue"] });
});
