/** Existing content, and content being fetched, is not fetched again, as the registry's request log shows. */
import { strict as assert } from "node:assert";
import { bigImage, busyboxBuilder, featureImage, file } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { allBlobGets, blobGets, layersOnDisk, listedImages, pulled, type PullSetup, startPullSetup } from "./setup.ts";

const top = (text: string) => busyboxBuilder().layer([file("top", text)]).build();
const short = (digest: string) => digest.slice("sha256:".length, "sha256:".length + 12);

async function testSharedLayers({ engine, registry }: PullSetup): Promise<void> {
  const [one, two] = [await top("one"), await top("two")];
  await pulled(engine, [registry.add("shared/one", "1", one)]);
  const output = await pulled(engine, [registry.add("shared/two", "1", two)]);
  const [base, upper] = two.layers.map(({ blob }) => short(blob.digest));
  assert.match(output, new RegExp(`^${base}: Already exists\n`, "m"));
  assert.match(output, new RegExp(`^${upper}: Pulling fs layer\n(.*\n)*${upper}: Pull complete\n`, "m"));
  const counts = [blobGets(registry, "shared/one", one), blobGets(registry, "shared/two", two)];
  assert.deepEqual(counts, [[1, 1, 1], [1, 0, 1]], "config, base, top");
}

async function testAgain({ engine, registry }: PullSetup): Promise<void> {
  const image = await top("again");
  const reference = registry.add("again", "1", image);
  await pulled(engine, [reference]);
  const before = allBlobGets(registry);
  const output = await pulled(engine, [reference]);
  assert.equal(
    output,
    `1: Pulling from again\nDigest: ${image.top.digest}\nStatus: Image is up to date for ${reference}\n${reference}\n`,
  );
  await pulled(engine, [`${registry.host}/again@${image.top.digest}`]);
  assert.equal(allBlobGets(registry), before);
}

async function testMovedTag({ engine, registry }: PullSetup): Promise<void> {
  const [older, newer] = [await top("older"), await top("newer")];
  const reference = registry.add("moved", "1", older);
  await pulled(engine, [reference]);
  registry.add("moved", "1", newer);
  const output = await pulled(engine, [reference]);
  assert.match(output, /^Status: Downloaded newer image for /m);
  const names = (await listedImages(engine)).filter((name) =>
    name === reference || name === older.config.digest || name === newer.config.digest
  );
  assert.deepEqual(names, [reference, older.config.digest].sort(), "the older image stays without a tag");
}

async function testSameLayerTwice({ engine, registry }: PullSetup): Promise<void> {
  const { image } = await featureImage();
  await pulled(engine, [registry.add("twice", "1", image)]);
  const counts = blobGets(registry, "twice", image);
  assert.ok(counts.length < image.blobs.length, "a layer is there twice");
  assert.ok(counts.every((count) => count <= 1), counts.join());
}

async function testConcurrent({ engine, registry }: PullSetup): Promise<void> {
  const image = await bigImage({ layers: 4, bytesPerLayer: 4 * 1024 * 1024, filesPerLayer: 50 });
  const reference = registry.add("concurrent", "1", image);
  const path = `/images/create?fromImage=${registry.host}/concurrent&tag=1`;
  const byApi = Array.from({ length: 8 }, () => engine.api.post(path));
  const clients = [pulled(engine, ["-q", reference]), engine.docker(["pull", "-q", reference])] as const;
  for (const answer of await Promise.all(byApi)) {
    assert.equal(answer.status, 200);
    assert.match(
      String(answer.jsonLines().at(-1)?.status),
      /^Status: (Downloaded newer image|Image is up to date) for /,
    );
  }
  await Promise.all(clients);
  assert.deepEqual(blobGets(registry, "concurrent", image), [1, 1, 1, 1, 1]);
  assert.equal((await listedImages(engine)).filter((name) => name === reference).length, 1);
  const onDisk = await layersOnDisk(engine);
  assert.ok(image.layers.every(({ diffId }) => onDisk.includes(diffId)));
}

async function testConcurrentTops({ engine, registry }: PullSetup): Promise<void> {
  const images = await Promise.all(["a", "b", "c", "d"].map((text) => {
    return busyboxBuilder().layer([file("base", "of the four")]).layer([file("top", text)]).build();
  }));
  const references = images.map((image, at) => registry.add("tops", String(at), image));
  await Promise.all(references.map((reference) => pulled(engine, ["-q", reference])));
  const base = images[0]!.layers[1]!.blob.digest;
  assert.equal(registry.requestsFor(`/v2/tops/blobs/${base}`, "GET").length, 1);
  for (const [at, reference] of references.entries()) {
    const run = await engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/base", "/top"]);
    assert.equal(run.stdout, `of the four${"abcd"[at]}`);
  }
}

Deno.test({
  name: "nothing is fetched twice",
  ...requires("root", "runc", "overlay", "docker"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await test.step("layers of another image", () => testSharedLayers(setup));
    await test.step("the same image again", () => testAgain(setup));
    await test.step("a moved tag", () => testMovedTag(setup));
    await test.step("an image with the same layer twice", () => testSameLayerTwice(setup));
    await test.step("ten concurrent pulls of one image", () => testConcurrent(setup));
    await test.step("four concurrent pulls of images with one base", () => testConcurrentTops(setup));
  },
});
