/** A few power cuts while containers are created and removed; `./dev soak power` has more. */
import { strict as assert } from "node:assert";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { containerCuts } from "./container_cuts.ts";
import { namesIn, startSetup } from "./setup.ts";

Deno.test(
  "after a power cut at any time, containers and images are complete or absent",
  requires("root", "runc", "btrfs"),
  async () => {
    const figures = await containerCuts({ fileSystem: "ext4", cuts: 12, everyMs: 150, lanes: 3, imageLanes: 1 });
    assert.deepEqual(figures.problems, []);
    assert.ok(figures.promised > 12, JSON.stringify(figures));
  },
);

Deno.test(
  "the next start removes what a power cut left of a creation or a removal",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const create = async (name: string) =>
      (await engine.api.post(`/containers/create?name=${name}`, { Image: image, Cmd: ["true"] })).json<{ Id: string }>()
        .Id;
    const ids = { started: await create("begun"), removed: await create("removed"), moved: await create("moved") };
    for (const name of ["removed", "moved"]) {
      for (const step of ["start", "wait"]) await engine.api.post(`/containers/${name}/${step}`);
    }
    await engine.stop();
    const snapshotOf = (id: string) => `${engine.layerRoot}/snapshots/${id}`;
    const homeOf = (id: string) => `${engine.dataRoot}/containers/${id}`;
    // Its name is on the disk, its content is not.
    await Deno.truncate(`${snapshotOf(ids.started)}/layers.json`);
    for (const dir of [snapshotOf(ids.removed), homeOf(ids.removed)]) await removeTree(dir);
    // Everything of a container whose layers are currently elsewhere is retained.
    await Deno.rename(snapshotOf(ids.moved), `${engine.dir}/elsewhere`);
    await engine.start();
    const listed = (await engine.api.get("/containers/json?all=1")).json<{ Names: string[] }[]>();
    assert.deepEqual(listed.map(({ Names }) => Names), [["/moved"]]);
    assert.deepEqual(await namesIn(`${engine.layerRoot}/snapshots`), []);
    assert.deepEqual(await namesIn(`${engine.dataRoot}/containers`), [ids.moved]);
    await engine.stop();
    await Deno.rename(`${engine.dir}/elsewhere`, snapshotOf(ids.moved));
    await engine.start();
    // The unsynced part of a creation may be lost.
    await removeTree(homeOf(ids.moved));
    assert.equal((await engine.api.post("/containers/moved/start")).status, 204);
  },
);
