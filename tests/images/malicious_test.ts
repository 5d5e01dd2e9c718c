import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { digestOf, readAll } from "./bytes.ts";
import { HOSTILE_IMAGES, type HostileImage, rootFindings } from "./malicious.ts";
import { SECRET, Victim } from "./victim.ts";
import { removeTree } from "./test_cache.ts";

/** The numbers of the list that are images; the others are about loading archives, the API and registries. */
const NUMBERS = [...Array.from({ length: 24 }, (_, at) => at + 1), 26, 27, 31, 32, 33, 34, 35, 36];

const named = (name: string): HostileImage => {
  const found = HOSTILE_IMAGES.find((hostile) => hostile.name === name);
  assert.ok(found, name);
  return found;
};

Deno.test("every number of the list has an image, and names are unique", () => {
  const numbers = new Set(HOSTILE_IMAGES.map((hostile) => hostile.number));
  assert.deepEqual(NUMBERS.filter((number) => !numbers.has(number)), []);
  assert.equal(new Set(HOSTILE_IMAGES.map((hostile) => hostile.name)).size, HOSTILE_IMAGES.length);
});

Deno.test(
  "malicious images can be built, and only the intended ones have false digests",
  requires("root"),
  async () => {
    await using victim = await Victim.create();
    const liars: string[] = [];
    for (const hostile of HOSTILE_IMAGES) {
      if (hostile.name.startsWith("bomb-")) continue;
      const image = await hostile.build(victim);
      for (const content of [image.top, ...image.manifests, ...image.blobs]) {
        const bytes = await readAll(content.open());
        assert.equal(bytes.length, content.actualSizeBytes ?? content.sizeBytes, hostile.name);
        if (digestOf(bytes) !== content.digest) liars.push(hostile.name);
      }
    }
    assert.deepEqual(liars.sort(), [
      ...["config-flipped", "config-longer", "index-self", "layer-empty", "layer-endless", "layer-flipped"],
      ...["layer-longer", "layer-shorter", "manifest-digest"],
    ]);
    assert.deepEqual(await victim.changes(), []);
  },
);

Deno.test("the bomb is small and unpacks to 1 GiB", async () => {
  await using victim = await Victim.create();
  const bomb = named("bomb-zstd");
  assert.ok(bomb.kind === "layers");
  const image = await bomb.build(victim);
  assert.ok(image.blobs.every((blob) => blob.sizeBytes < 1024 * 1024));
  let sizeBytes = 0;
  for await (const chunk of image.layers[0]!.openTar()) sizeBytes += chunk.length;
  assert.equal(sizeBytes, 512 + 1024 ** 3 + 1024);
});

Deno.test("a victim reports every kind of change", requires("root"), async () => {
  await using victim = await Victim.create();
  assert.deepEqual(await victim.changes(), []);
  await Deno.link(`${victim.dir}/secret`, `${victim.dir}.stolen`);
  assert.match((await victim.changes()).join("\n"), /^secret has 2 links, expected 1$/);
  await Deno.remove(`${victim.dir}.stolen`);
  await Deno.writeTextFile(`${victim.dir}/planted`, "");
  await Deno.remove(`${victim.dir}/folder`, { recursive: true });
  const changes = (await victim.changes()).join("\n");
  for (const part of [/"planted": not expected/, /"folder\/keep": missing/, /"\.": mtime/]) assert.match(changes, part);
});

Deno.test("findings in a root name the problem, and symlinks are not followed", requires("root"), async () => {
  const root = await Deno.makeTempDir({ prefix: "tsd-root-" });
  await using victim = await Victim.create();
  try {
    const hostile = named("type-changes");
    await Deno.writeTextFile(`${root}/x`, "last");
    await Deno.symlink(victim.dir, `${root}/z`);
    await Deno.writeTextFile(`${victim.dir}/planted`, "inside");
    assert.deepEqual(await rootFindings(hostile, root), [
      "z: symlink, expected dir",
      'z/planted: "absent", expected {"content":"inside"}',
    ]);
    await Deno.remove(`${root}/z`);
    await Deno.mkdir(`${root}/z`);
    await Deno.writeTextFile(`${root}/z/planted`, "inside");
    assert.deepEqual(await rootFindings(hostile, root), []);
    await Deno.writeTextFile(`${root}/z/copy`, SECRET);
    assert.deepEqual(await rootFindings(hostile, root), [`${root}/z/copy holds the host's secret`]);
  } finally {
    await removeTree(root);
  }
});
