import { strict as assert } from "node:assert";
import { diffTrees } from "../harness/tree_diff.ts";
import { requires } from "../requires.ts";
import { bigImage } from "./big.ts";
import { busyboxImage } from "./busybox.ts";
import { digestOf, readAll } from "./bytes.ts";
import { writeDockerArchive } from "./docker_archive.ts";
import { expectedTree } from "./expected_tree.ts";
import { featureImage } from "./features.ts";
import { hostShellImage } from "./host_shell.ts";
import { type Image, ImageBuilder, indexOf } from "./image_builder.ts";
import { blobPath, readOciLayout, writeOciLayout } from "./oci_layout.ts";
import { dir, file } from "./tar_entries.ts";
import { removeTree } from "./test_cache.ts";

/** Checks every digest, size and diffID of the image, and that the manifest names all parts. */
async function assertHonest(image: Image): Promise<void> {
  const manifest = JSON.parse(new TextDecoder().decode(await readAll(image.top.open())));
  const config = JSON.parse(new TextDecoder().decode(await readAll(image.config.open())));
  assert.equal(manifest.config.digest, image.config.digest);
  assert.deepEqual(
    manifest.layers.map((layer: { digest: string }) => layer.digest),
    image.layers.map((layer) => layer.blob.digest),
  );
  for (const content of [image.top, ...image.blobs]) {
    const bytes = await readAll(content.open());
    assert.deepEqual([digestOf(bytes), bytes.length], [content.digest, content.sizeBytes]);
  }
  const diffIds = await Promise.all(image.layers.map(async (layer) => digestOf(await readAll(layer.openTar()))));
  assert.deepEqual(config.rootfs.diff_ids, diffIds);
}

async function withDir(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tsd-images-" });
  try {
    await use(directory);
  } finally {
    await removeTree(directory);
  }
}

Deno.test("busybox: valid, reproducible, and its shell runs in a chroot", requires("root"), async () => {
  const image = await busyboxImage();
  await assertHonest(image);
  assert.equal((await busyboxImage()).top.digest, image.top.digest);
  assert.equal(await outputInChroot(image, ["/bin/sh", "-c", "id -u app; ls /etc"]), "1000\ngroup\npasswd\n");
});

Deno.test("host shell: valid, and its programs run with the included libraries", requires("root"), async () => {
  const image = await hostShellImage();
  await assertHonest(image);
  assert.equal(image.layers.length, 2);
  assert.match(
    await outputInChroot(image, ["/bin/sh", "-c", "uname -s; id -un; cat /etc/group"]),
    /^Linux\nroot\nroot:x:0:/,
  );
});

Deno.test("features: the tree has what the layers define", requires("root"), async () => {
  const { image, expectedTree } = await featureImage();
  await assertHonest(image);
  const tree = new Map(expectedTree.map((entry) => [entry.path, entry]));
  assert.deepEqual([...tree.keys()].filter((path) => path.includes(".wh..")), []);
  for (const removed of ["gone/file", "gone/tree", "opaque/hidden", "opaque/deep", "metadata/setuid"]) {
    assert.equal(tree.has(`features/${removed}`), false, removed);
  }
  assert.equal(tree.get("features/opaque/own")?.type, "file");
  assert.equal(tree.get("features/gone/back")?.uid, 1000);
  assert.equal(tree.get("features/retyped/folder")?.target, "/etc/passwd");
  assert.equal(tree.get("features/retyped/file")?.type, "dir");
  assert.equal(tree.get("features/links/c")?.hardLinkGroup, "features/links/a");
  assert.equal(tree.get("features/links/b")?.hardLinkGroup, undefined);
  assert.equal(tree.get("features/metadata/fraction")?.mtime, "1700000000.123456789");
  assert.equal(
    tree.get("features/metadata/capable")?.xattrs["security.capability"],
    "01000002" + "00040000" + "0".repeat(24),
  );
  assert.equal(tree.get("features/names/latin1-\xe4\xf6")?.type, "file");
  assert.deepEqual(diffTrees(expectedTree, expectedTree), []);
});

Deno.test("an expected tree refuses a layer without a parent directory", requires("root"), async () => {
  const image = await new ImageBuilder().layer([dir("a"), file("a/b/c", "x")]).build();
  await assert.rejects(expectedTree(image), /no entry for a\/b\//);
});

Deno.test("an OCI layout is read back as the same image", () =>
  withDir(async (directory) => {
    const image = await new ImageBuilder().layer([file("one", "1")]).layer([file("two", "2")], { compression: "zstd" })
      .config({ User: "app", Labels: { a: "b" } }).build();
    await writeOciLayout(directory, image, "demo");
    const index = JSON.parse(await Deno.readTextFile(`${directory}/index.json`));
    assert.equal(index.manifests[0].annotations["org.opencontainers.image.ref.name"], "demo");
    assert.equal(digestOf(await Deno.readFile(blobPath(directory, image.top.digest))), image.top.digest);
    const back = await readOciLayout(directory);
    await assertHonest(back);
    assert.equal(back.top.digest, image.top.digest);
    assert.deepEqual(back.layers.map((layer) => layer.diffId), image.layers.map((layer) => layer.diffId));
  }));

Deno.test("a docker archive has the config and the uncompressed layers, each once", () =>
  withDir(async (directory) => {
    const image = await new ImageBuilder().layer([file("one", "1")]).layer([]).layer([]).build();
    await writeDockerArchive(`${directory}/a.tar`, image, ["demo/x:1"]);
    const unpacked = await new Deno.Command("tar", { args: ["-xf", "a.tar"], cwd: directory }).output();
    assert.ok(unpacked.success);
    const [entry] = JSON.parse(await Deno.readTextFile(`${directory}/manifest.json`));
    assert.deepEqual(entry.RepoTags, ["demo/x:1"]);
    assert.equal(digestOf(await Deno.readFile(`${directory}/${entry.Config}`)), image.config.digest);
    const diffIds = await Promise.all(
      entry.Layers.map(async (path: string) => digestOf(await Deno.readFile(`${directory}/${path}`))),
    );
    assert.deepEqual(diffIds, image.layers.map((layer) => layer.diffId));
  }));

Deno.test("mutations change only what is serialized", async () => {
  const image = await new ImageBuilder({ format: "docker" }).layer([file("f", "1")])
    .mutateConfig((config) => config.os = "plan9")
    .mutateManifest((manifest) => manifest.manifests = []).build();
  await assertHonest(image);
  const manifest = JSON.parse(new TextDecoder().decode(await readAll(image.top.open())));
  assert.deepEqual(manifest.manifests, []);
  assert.equal(manifest.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  const index = indexOf([image], { format: "docker", extra: [{ mediaType: "x", digest: "sha256:0", size: 1 }] });
  const parsed = JSON.parse(new TextDecoder().decode(await readAll(index.top.open())));
  assert.equal(parsed.manifests.length, 2);
  assert.deepEqual(index.manifests.map((content) => content.digest), [image.top.digest]);
});

Deno.test("a big image is cached, valid and about half compressible", () =>
  withDir(async (directory) => {
    const before = Deno.env.get("TSD_TEST_CACHE");
    Deno.env.set("TSD_TEST_CACHE", directory);
    try {
      const options = { layers: 2, bytesPerLayer: 4 * 1024 * 1024, filesPerLayer: 150 };
      const image = await bigImage(options);
      await assertHonest(image);
      assert.equal((await bigImage(options)).top.digest, image.top.digest);
      assert.notEqual(image.layers[0]?.diffId, image.layers[1]?.diffId);
      const ratio = image.layers[0]!.blob.sizeBytes / options.bytesPerLayer;
      assert.ok(ratio > 0.4 && ratio < 0.7, `compressed to ${ratio}`);
    } finally {
      if (before === undefined) Deno.env.delete("TSD_TEST_CACHE");
      else Deno.env.set("TSD_TEST_CACHE", before);
    }
  }));

async function outputInChroot(image: Image, command: string[]): Promise<string> {
  let output = "";
  await withDir(async (directory) => {
    for (const layer of image.layers) {
      const tar = new Deno.Command("tar", { args: ["-xC", directory], stdin: "piped" }).spawn();
      await ReadableStream.from(layer.openTar()).pipeTo(tar.stdin);
      assert.ok((await tar.status).success);
    }
    const env = { PATH: "/bin:/usr/bin:/usr/sbin:/sbin" };
    const done = await new Deno.Command("chroot", { args: [directory, ...command], env, clearEnv: true }).output();
    assert.equal(new TextDecoder().decode(done.stderr), "");
    output = new TextDecoder().decode(done.stdout);
  });
  return output;
}
