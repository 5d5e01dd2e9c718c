/** A thousand lives of containers with five plugins. Minutes long. */
import { strict as assert } from "node:assert";
import { startRig } from "../engine/rig.ts";
import { livesWithoutLeak } from "../plugins/lives.ts";
import { requires } from "../requires.ts";
import { held, print } from "./figures.ts";

const LIVES = 1000;
/** What V8 may have grown by, in bytes: twice as much as in half as many runs without plugins (see leaks_test.ts). */
const MEMORY_SLACK = 96e6;

Deno.test(`${LIVES} containers with five plugins`, requires("root", "runc"), async () => {
  await using rig = await startRig();
  const [before, after] = await livesWithoutLeak(rig, 100, LIVES);
  print("before", held(before));
  print("after", held(after));
  const grown = after.host.process!.memoryBytes - before.host.process!.memoryBytes;
  assert.ok(grown < MEMORY_SLACK, `memory grew by ${grown} bytes`);
});
