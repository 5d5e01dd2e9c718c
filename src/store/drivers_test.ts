import { strict as assert } from "node:assert";
import { btrfsVolume } from "../../tests/harness/mod.ts";
import { requires } from "../../tests/requires.ts";
import { isTsdError } from "../errors.ts";
import { chooseDriver, formatUnusedLayers, openLayerStore } from "./drivers.ts";

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-storage-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a requested driver is used, and an unknown one is rejected", requires("root"), async () => {
  await inTempDir(async (dir) => {
    assert.deepEqual(await chooseDriver(dir, "overlay2"), { driver: "overlay2", root: `${dir}/overlay2` });
    for (
      const [name, says] of [["devicemapper", /removed it in version 25\): use one of erofs, btrfs, overlay2$/], [
        "x",
        /one of/,
      ]]
    ) {
      await assert.rejects(chooseDriver(dir, name as string), (error: Error) => {
        assert.ok(isTsdError(error, "invalid_argument"));
        assert.match(error.message, says as RegExp);
        return true;
      });
    }
  });
});

Deno.test("an engine keeps the driver of its existing layers", requires("root"), async () => {
  await inTempDir(async (dir) => {
    const best = await chooseDriver(dir);
    assert.equal(best.driver === "erofs", best.passedOver === undefined);
    await Deno.mkdir(`${dir}/overlay2/layers/${"0".repeat(64)}`, { recursive: true });
    assert.deepEqual(await chooseDriver(dir), { driver: "overlay2", root: `${dir}/overlay2` });
    assert.equal(openLayerStore(await chooseDriver(dir)).driver, "overlay2");
    await Deno.mkdir(`${dir}/erofs/layers/${"0".repeat(64)}`, { recursive: true });
    const both = await chooseDriver(dir);
    assert.deepEqual([both.driver, both.unused], ["erofs", [{ driver: "overlay2", layers: 1 }]]);
    assert.equal(
      formatUnusedLayers(both.unused![0]!),
      "1 layer of driver overlay2 (storage-driver chooses between them)",
    );
    assert.deepEqual((await chooseDriver(dir, "overlay2")).unused, [{ driver: "erofs", layers: 1 }]);
  });
});

Deno.test("btrfs is used if requested or if it has layers; on other file systems the error says why not", {
  ...requires("btrfs"),
}, async () => {
  await inTempDir((dir) =>
    assert.rejects(chooseDriver(dir, "btrfs"), {
      code: "storage",
      message: `Cannot use storage driver btrfs in ${dir}: it is not on btrfs`,
    })
  );
  await using volume = await btrfsVolume();
  const dir = volume.path;
  assert.notEqual((await chooseDriver(dir)).driver, "btrfs");
  assert.deepEqual(await chooseDriver(dir, "btrfs"), { driver: "btrfs", root: `${dir}/btrfs` });
  await Deno.mkdir(`${dir}/btrfs/layers/${"0".repeat(64)}`, { recursive: true });
  assert.deepEqual(await chooseDriver(dir), { driver: "btrfs", root: `${dir}/btrfs` });
});
