import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { digestOfHex } from "../digest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../media_types.ts";
import type { Platform } from "../platform.ts";
import { readArchive } from "./read_archive.ts";
import { type BlobDescriptor, configOf, MemoryArchive } from "./archive_testing.ts";

const [ONE, TWO] = ["1", "2"].map((fill) => digestOfHex(fill.repeat(64)));
const ARM: Platform = { os: "linux", architecture: "arm64", variant: "v8" };
const AMD: Platform = { os: "linux", architecture: "amd64" };

async function refused(archive: MemoryArchive, code: ErrorCode, pattern: RegExp, platform?: Platform): Promise<void> {
  await assert.rejects(readArchive(archive, platform), (thrown: Error) => {
    assert.ok(isTsdError(thrown, code), String(thrown));
    assert.match(thrown.message, pattern);
    return true;
  });
}

const docker = (manifest: unknown) => new MemoryArchive().add("manifest.json", manifest);

Deno.test("docker-archive: layers match the diffIDs, an image with several names is returned once", async () => {
  const item = { Config: "c.json", RepoTags: ["app:1", "host.test/app:1"], Layers: ["a/layer.tar", "b/layer.tar"] };
  const archive = docker([item, { ...item, RepoTags: ["app:2"] }])
    .add("c.json", configOf([ONE!, TWO!])).add("a/layer.tar", "aa");
  const images = await readArchive(archive);
  assert.equal(images.length, 1);
  const [image] = images;
  assert.deepEqual(image!.names, ["docker.io/library/app:1", "host.test/app:1", "docker.io/library/app:2"]);
  assert.deepEqual(image!.layers, [{ diffId: ONE, place: { offset: 2, sizeBytes: 2 } }, { diffId: TWO }]);
  assert.equal(image!.manifest, undefined);
  assert.deepEqual(await readArchive(docker([])), []);
});

Deno.test("docker-archive: errors of invalid archives", async () => {
  const item = { Config: "c.json", RepoTags: null, Layers: ["l"] };
  const whole = (change: object, config: unknown = configOf([ONE!])) =>
    docker([{ ...item, ...change }]).add("c.json", config).add("l", "x");
  assert.equal((await readArchive(whole({})))[0]!.names.length, 0);
  await refused(docker(null), "archive_invalid", /^invalid manifest, manifest cannot be null \(but can be \[\]\)$/);
  await refused(docker({}), "manifest_invalid", /not a list of JSON objects/);
  await refused(docker("[".repeat(200_000)), "manifest_invalid", /nested deeper than 64/);
  await refused(docker(`[{"Config":"a","config":"b"}]`), "manifest_invalid", /differ only in case/);
  await refused(whole({ Config: 5 }), "manifest_invalid", /\[0\]\.Config is not a string/);
  await refused(whole({ Config: null }), "manifest_invalid", /\[0\]\.Config is missing/);
  await refused(whole({ Config: "other" }), "archive_invalid", /no file other/);
  await refused(whole({ Layers: [{}] }), "manifest_invalid", /\[0\]\.Layers is not a list of strings/);
  await refused(whole({ Layers: [] }), "archive_invalid", /layers length mismatch: expected 0, got 1$/);
  await refused(whole({ RepoTags: ["../../UP:t"] }), "invalid_reference", /^invalid reference format/);
  await refused(whole({ RepoTags: ["app"] }), "invalid_reference", /^invalid tag "app"$/);
  await refused(
    whole({}, configOf([ONE!], { os: "windows" })),
    "archive_invalid",
    /^cannot load windows image on linux$/,
  );
  await refused(new MemoryArchive(), "archive_invalid", /no manifest\.json and no index\.json$/);
  await refused(new MemoryArchive().add("repositories", {}), "archive_invalid", /Docker before 1\.10/);
});

Deno.test("a requested platform selects images; no match is an error", async () => {
  const archive = docker([
    { Config: "amd", RepoTags: ["app:amd"], Layers: [] },
    { Config: "arm", RepoTags: ["app:arm"], Layers: [] },
  ]).add("amd", configOf([])).add("arm", configOf([], { architecture: "arm64" }));
  const names = async (platform?: Platform) => (await readArchive(archive, platform)).flatMap((image) => image.names);
  assert.deepEqual(await names(), ["docker.io/library/app:amd", "docker.io/library/app:arm"]);
  assert.deepEqual(await names(ARM), ["docker.io/library/app:arm"]);
  const other = { os: "linux", architecture: "s390x" };
  await refused(archive, "image_not_found", /no image for platform linux\/s390x/, other);
});

/** A layout; `annotations` has those of each entry of its index. */
async function imageIn(archive: MemoryArchive, more: Readonly<Record<string, unknown>> = {}): Promise<BlobDescriptor> {
  const config = await archive.blob(configOf([ONE!], more), OCI_CONFIG);
  const layer = await archive.blob("a layer", OCI_LAYER);
  return await archive.blob({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }, OCI_MANIFEST);
}

const indexed = (archive: MemoryArchive, ...manifests: object[]) =>
  archive.add("index.json", { schemaVersion: 2, manifests });
const FULL = "io.containerd.image.name";
const REF = "org.opencontainers.image.ref.name";

Deno.test("OCI layout: names, and a layer's digest and size", async () => {
  const archive = new MemoryArchive();
  const top = await imageIn(archive);
  const cases: readonly (readonly [annotations: object, names: readonly string[]])[] = [
    [{ [FULL]: "docker.io/library/app:1", [REF]: "1" }, ["docker.io/library/app:1"]],
    [{ [REF]: "host.test/app:2" }, ["host.test/app:2"]],
    [{ [REF]: "latest" }, []],
    [{}, []],
  ];
  for (const [annotations, names] of cases) {
    const [image] = await readArchive(indexed(archive, { ...top, annotations }));
    assert.deepEqual(image!.names, names);
    assert.equal(image!.manifest!.digest, top.digest);
    assert.deepEqual(image!.layers[0]!.blob!.sizeBytes, "a layer".length);
  }
  const twice = indexed(archive, { ...top, annotations: { [FULL]: "a:1" } }, {
    ...top,
    annotations: { [FULL]: "a:2" },
  });
  assert.deepEqual((await readArchive(twice)).map((image) => image.names.length), [2]);
  const other = { ...top, mediaType: "application/x-other" };
  assert.equal((await readArchive(indexed(archive, other, top))).length, 1);
  await refused(indexed(archive, other), "manifest_invalid", /nothing in it is an image/);
  await refused(
    indexed(archive, { ...top, annotations: { [FULL]: "../../UP:t" } }),
    "invalid_reference",
    /invalid reference/,
  );
});

Deno.test("OCI layout: an index resolves to the host's platform, or to the requested one", async () => {
  const archive = new MemoryArchive();
  const [amd, arm] = [await imageIn(archive), await imageIn(archive, { architecture: "arm64" })];
  const entries = [{ ...arm, platform: ARM }, { ...amd, platform: AMD }];
  const index = await archive.blob({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }, OCI_INDEX);
  const architecture = async (files: MemoryArchive, platform?: Platform) =>
    (await readArchive(files, platform)).map(({ config }) => config.platform.architecture);
  for (const files of [() => indexed(archive, index), () => indexed(archive, ...entries)]) {
    assert.deepEqual(await architecture(files(), ARM), ["arm64"]);
    assert.deepEqual(await architecture(files(), AMD), ["amd64"]);
  }
  await refused(indexed(archive, index), "platform_unavailable", /no matching manifest for linux\/s390x/, {
    ...AMD,
    architecture: "s390x",
  });
  let top = index;
  for (let depth = 0; depth < 4; depth++) {
    const manifests = [{ ...top, platform: AMD }];
    top = await archive.blob({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  }
  await refused(indexed(archive, top), "manifest_invalid", /nested deeper than 4 levels/, AMD);
});

Deno.test("OCI layout: blobs that don't match their descriptors are rejected", async () => {
  const archive = new MemoryArchive();
  const top = await imageIn(archive);
  await refused(indexed(archive, { ...top, size: top.size + 1 }), "size_mismatch", /size is \d+, expected \d+/);
  await refused(indexed(archive, { ...top, digest: ONE }), "archive_invalid", /no file blobs/);
  archive.add(`blobs/sha256/${ONE!.slice(7)}`, archive.read(`blobs/sha256/${top.digest.slice(7)}`));
  await refused(indexed(archive, { ...top, digest: ONE }), "digest_mismatch", /its digest is sha256:/);
  await refused(
    indexed(archive, { ...top, digest: "sha256:../../../etc/passwd" }),
    "manifest_invalid",
    /is not sha256:/,
  );
});
