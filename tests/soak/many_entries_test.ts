import { strict as assert } from "node:assert";
import { pullManyEntries } from "../pull/many_entries.ts";
import { checkAlive } from "../pull/malicious_setup.ts";
import { layersOnDisk, startPullSetup } from "../pull/setup.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

Deno.test({
  name: "five million empty files are refused, and the engine stays responsive",
  ...requires("root", "runc", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await checkAlive(setup);
    const good = await layersOnDisk(setup.engine);
    const { strain, growthBytes } = await pullManyEntries(setup, 5_000_000, "refused");
    const megabytes = (growthBytes / 1e6).toFixed(0);
    print("five million entries", `longest answer ${strain.answersMs.at(-1)!.toFixed(0)} ms`, `${megabytes} MB more`);
    assert.deepEqual(await layersOnDisk(setup.engine), good);
    await checkAlive(setup);
  },
});
