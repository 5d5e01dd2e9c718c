/** Every storage driver reproduces the layer tars that were loaded, byte for byte. */
import { strict as assert } from "node:assert";
import { STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { startEngine, storageDir, storageNeeds } from "../harness/mod.ts";
import { dockerArchive, featureImage } from "../images/mod.ts";
import { requires } from "../requires.ts";

for (const driver of STORAGE_DRIVERS) {
  Deno.test({
    name: `${driver}: an image with everything in it, there and back twice`,
    ...requires("root", "runc", "overlay", ...storageNeeds(driver)),
    fn: async () => {
      const { image } = await featureImage();
      await using place = await storageDir(driver);
      await using engine = await startEngine(place.options);
      const load = async (body: AsyncIterable<Uint8Array>) => {
        const answer = await engine.api.request("POST", "/images/load", { body });
        assert.deepEqual([answer.status, answer.jsonLines()], [200, [{ stream: "Loaded image: full:1\n" }]]);
        return (await engine.api.get("/images/full:1/json")).text();
      };
      const loaded = await load(dockerArchive(image, ["full:1"]));
      assert.equal(JSON.parse(loaded).Id, image.config.digest);
      let before: Uint8Array | undefined;
      for (const turn of ["first", "second"]) {
        const archive = (await engine.api.get("/images/full:1/get")).body;
        assert.equal((await engine.api.delete("/images/full:1")).status, 200);
        assert.equal(await load(ReadableStream.from([archive])), loaded, turn);
        if (before !== undefined) assert.ok(archive.every((byte, at) => byte === before![at]), "the same bytes");
        before = archive;
      }
    },
  });
}
