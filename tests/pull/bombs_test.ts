/** Decompression bombs (24 of the project's list): memory stays flat, and the engine stays responsive. */
import { strict as assert } from "node:assert";
import { processState } from "../harness/mod.ts";
import { HOSTILE_IMAGES, type HostileImage } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { checkAlive, type MaliciousSetup, startMaliciousSetup } from "./malicious_setup.ts";
import { pulled, storeChanges } from "./setup.ts";
import { strainDuring } from "./strain.ts";

const MEBIBYTE = 1024 * 1024;
const LARGEST_GROWTH_BYTES = 200 * MEBIBYTE;
const LONGEST_ANSWER_MS = 500;

async function tryBomb({ engine, registry, victim, clean }: MaliciousSetup, bomb: HostileImage): Promise<void> {
  const reference = registry.add(bomb.name, "1", await bomb.build(victim));
  const before = (await processState(engine.pid)).memoryBytes;
  const strain = await strainDuring(engine, pulled(engine, ["-q", reference]));
  const growth = strain.memoryBytes - before;
  assert.ok(growth < LARGEST_GROWTH_BYTES, `it took ${Math.round(growth / MEBIBYTE)} MiB of memory`);
  const slowestMs = strain.answersMs.at(-1)!;
  assert.ok(slowestMs < LONGEST_ANSWER_MS, `an answer took ${Math.round(slowestMs)} ms`);
  assert.equal((await engine.tsd(["rmi", reference])).code, 0);
  assert.deepEqual(await storeChanges(engine, clean), []);
}

Deno.test({
  name: "1 GiB of zeros in a few KiB",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startMaliciousSetup();
    for (const bomb of HOSTILE_IMAGES.filter(({ name }) => name.startsWith("bomb-"))) {
      await test.step(bomb.name, () => tryBomb(setup, bomb));
    }
    await test.step("an honest image works afterwards", () => checkAlive(setup));
  },
});
