import { strict as assert } from "node:assert";
import { sha256Hex } from "../../hash/mod.ts";
import { digestOfHex } from "../digest.ts";
import { parseReference } from "../reference.ts";
import { type ImageToSave, layoutFiles } from "./layout_files.ts";
import { readArchive } from "./read_archive.ts";
import { configOf, MemoryArchive } from "./archive_testing.ts";

const [ONE, TWO] = ["1", "2"].map((fill) => digestOfHex(fill.repeat(64)));

async function image(names: readonly string[], ...diffIds: typeof ONE[]): Promise<ImageToSave> {
  const configBytes = new TextEncoder().encode(JSON.stringify(configOf(diffIds as string[] as never)));
  return {
    id: digestOfHex(await sha256Hex(configBytes)),
    configBytes,
    layers: diffIds.map((diffId) => ({ diffId: diffId!, tarBytes: 1024 })),
    names: names.map(parseReference),
  };
}

async function archiveOf(images: readonly ImageToSave[]): Promise<MemoryArchive> {
  const archive = new MemoryArchive();
  for (const file of await layoutFiles(images)) {
    archive.add(file.name, "bytes" in file ? file.bytes : new Uint8Array(file.layer.tarBytes));
  }
  return archive;
}

const json = (archive: MemoryArchive, name: string) => JSON.parse(new TextDecoder().decode(archive.read(name)));

Deno.test("a saved archive is an OCI layout and a docker-archive with the same images", async () => {
  const images = [await image(["app:1", "host.test/app:2"], ONE, TWO), await image([], TWO)];
  const archive = await archiveOf(images);
  assert.deepEqual(json(archive, "oci-layout"), { imageLayoutVersion: "1.0.0" });
  assert.deepEqual(json(archive, "repositories"), {
    "app": { "1": "2".repeat(64) },
    "host.test/app": { "2": "2".repeat(64) },
  });
  const [first, second] = json(archive, "manifest.json");
  assert.deepEqual(first.RepoTags, ["app:1", "host.test/app:2"]);
  assert.deepEqual(first.Layers, [`blobs/sha256/${"1".repeat(64)}`, `blobs/sha256/${"2".repeat(64)}`]);
  assert.deepEqual(first.LayerSources[ONE!], {
    ...{ mediaType: "application/vnd.oci.image.layer.v1.tar", size: 1024, digest: ONE },
  });
  assert.equal(second.RepoTags, null);
  assert.equal(json(archive, "index.json").manifests.length, 3);
  const asDocker = await readArchive(archive);
  archive.add("manifest.json", []);
  const asLayout = await readArchive(Object.assign(Object.create(archive), {
    find: (name: string) => name === "manifest.json" ? undefined : archive.find(name),
    read: (name: string) => archive.read(name),
  }));
  const names = (read: typeof asDocker) => read.map((each) => [each.id, ...each.names]);
  assert.deepEqual(names(asDocker), names(asLayout));
  assert.deepEqual(asDocker.map(({ id }) => id), images.map(({ id }) => id));
});

Deno.test("the output is deterministic, and contains a shared layer once", async () => {
  const images = [await image(["app:1"], ONE, TWO), await image(["app:2"], ONE)];
  const [first, second] = [await layoutFiles(images), await layoutFiles(images)];
  assert.deepEqual(first, second);
  assert.equal(first.filter((file) => "layer" in file).length, 2);
  assert.deepEqual(first.map(({ name }) => name), first.map(({ name }) => name).toSorted());
});
