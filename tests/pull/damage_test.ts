/**
 * A file of the store that is damaged at rest: only its image is affected, the damage is reported, and a pull repairs
 * it.
 */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { layersOnDisk, listedImages, pulled, pullGoodImage, type PullSetup, startPullSetup } from "./setup.ts";

async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[at] = bytes[at]! ^ 1;
  await Deno.writeFile(path, bytes);
}

const blobPath = (dataRoot: string, digest: string) => `${dataRoot}/blobs/${digest.replace(":", "/")}`;

type Damage = (path: string) => Promise<void>;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "one bit of the config": (path) => flipByte(path, 30),
  "an empty config": (path) => Deno.writeTextFile(path, ""),
  "a missing config": (path) => Deno.remove(path),
};

async function testConfig({ engine }: PullSetup, reference: string, image: Image, damage: Damage): Promise<void> {
  const good = await listedImages(engine);
  await engine.stop();
  await damage(blobPath(engine.dataRoot, image.config.digest));
  await engine.start();
  assert.deepEqual(await listedImages(engine), good.filter((name) => name !== reference));
  assert.equal((await engine.tsd(["info"])).code, 0);
  const reported = `Cannot use image ${reference}: its config is damaged or missing; pull it again`;
  const run = await engine.tsd(["run", "--rm", "--network", "none", reference, "true"]);
  assert.deepEqual([run.code, run.stderr], [125, `tsd: ${reported}\n`]);
  await pulled(engine, ["-q", reference]);
  assert.deepEqual(await listedImages(engine), good);
  const again = await engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/own"]);
  assert.deepEqual(again, { code: 0, stdout: "own", stderr: "" });
}

async function testRemoval({ engine }: PullSetup, reference: string, image: Image): Promise<void> {
  await engine.stop();
  await flipByte(blobPath(engine.dataRoot, image.config.digest), 30);
  await engine.start();
  assert.equal((await engine.tsd(["rmi", reference])).code, 0);
  assert.ok(!(await layersOnDisk(engine)).includes(image.layers[1]!.diffId));
}

async function testLayerGone({ engine }: PullSetup, reference: string, image: Image): Promise<void> {
  await pulled(engine, ["-q", reference]);
  const diffId = image.layers[1]!.diffId;
  await removeTree(`${engine.layerRoot}/layers/${diffId.slice("sha256:".length)}`);
  const run = await engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/own"]);
  assert.deepEqual([run.code, run.stdout], [0, "own"], "run pulls what is missing");
  assert.ok((await layersOnDisk(engine)).includes(diffId));
}

Deno.test({
  name: "damage at rest is reported and repaired by a pull",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    const image = await busyboxBuilder().layer([file("own", "own")]).build();
    const reference = setup.registry.add("damaged", "1", image);
    await pulled(setup.engine, ["-q", reference]);
    for (const [name, damage] of Object.entries(DAMAGES)) {
      await test.step(name, () => testConfig(setup, reference, image, damage));
    }
    await test.step("a damaged image can be removed", () => testRemoval(setup, reference, image));
    await test.step("a missing layer", () => testLayerGone(setup, reference, image));
  },
});
