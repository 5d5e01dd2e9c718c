import { strict as assert } from "node:assert";
import { pullManyEntries } from "../pull/many_entries.ts";
import { checkAlive } from "../pull/malicious_setup.ts";
import { layersOnDisk, startPullRig } from "../pull/setup.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

Deno.test({
  name: "five million empty files are refused, and the engine answers meanwhile",
  ...requires("root", "runc", "overlay"),
  fn: async () => {
    await using rig = await startPullRig();
    await checkAlive(rig);
    const good = await layersOnDisk(rig.engine);
    const { strain, growthBytes } = await pullManyEntries(rig, 5_000_000, "refused");
    const megabytes = (growthBytes / 1e6).toFixed(0);
    print("five million entries", `longest answer ${strain.answersMs.at(-1)!.toFixed(0)} ms`, `${megabytes} MB more`);
    assert.deepEqual(await layersOnDisk(rig.engine), good);
    await checkAlive(rig);
  },
});
