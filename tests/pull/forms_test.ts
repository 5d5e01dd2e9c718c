/** Names, media types and platforms of images on a real registry: every form can be pulled with the right result. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, busyboxImage, type Compression, file, type Image, indexOf, pushImage } from "../images/mod.ts";
import { type Engine, startEngine } from "../harness/mod.ts";
import { type RealRegistry, startRealRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { clearFailure, pulled } from "./setup.ts";

interface Inspected {
  readonly Id: string;
  readonly RepoTags: string[];
  readonly RepoDigests: string[];
  readonly Architecture: string;
  readonly RootFS: { readonly Layers: string[] };
}

async function inspect(engine: Engine, name: string): Promise<Inspected> {
  return (await engine.api.get(`/images/${name}/json`)).json<Inspected>();
}

/** Pushes an image, and returns its reference. */
async function pushed(registry: RealRegistry, repo: string, tag: string, image: Parameters<typeof pushImage>[3]) {
  await pushImage(registry.url, repo, tag, image);
  return `${registry.host}/${repo}`;
}

const marked = (mark: string, options: Parameters<typeof busyboxBuilder>[0] = {}) =>
  busyboxBuilder(options).layer([file("mark", mark)], { compression: options.compression });

async function markIn(engine: Engine, reference: string): Promise<string> {
  const { code, stdout, stderr } = await engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/mark"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

async function testNames(engine: Engine, registry: RealRegistry): Promise<void> {
  const image = await marked("names").build();
  const name = await pushed(registry, "names", "1", image);
  const id = image.config.digest;
  const byDigest = `${name}@${image.top.digest}`;

  const first = await pulled(engine, [byDigest]);
  assert.equal(first.split("\n").at(-2), byDigest);
  assert.match(first, new RegExp(`^Status: Downloaded newer image for ${byDigest}$`, "m"));
  assert.deepEqual((await inspect(engine, byDigest)).RepoTags, []);

  const both = await pulled(engine, [`${name}:1@${image.top.digest}`]);
  assert.match(both, /^Status: Image is up to date for /m);
  assert.deepEqual((await inspect(engine, byDigest)).RepoTags, [], "a tag beside a digest tags nothing");

  const byTag = await pulled(engine, [`${name}:1`]);
  assert.match(byTag, new RegExp(`^Digest: ${image.top.digest}\nStatus: Downloaded newer image for ${name}:1$`, "m"));
  const found = await inspect(engine, `${name}:1`);
  assert.deepEqual([found.Id, found.RepoTags, found.RepoDigests], [id, [`${name}:1`], [byDigest]]);
  assert.deepEqual(found.RootFS.Layers, image.layers.map(({ diffId }) => diffId));
  assert.equal(await markIn(engine, byDigest), "names");

  const wrong = await engine.tsd(["pull", `${name}:1@sha256:${"0".repeat(64)}`]);
  assert.match(clearFailure(wrong, "an unknown digest"), /^manifest for .* not found: manifest unknown/);
}

async function testLatest(engine: Engine, registry: RealRegistry): Promise<void> {
  const name = await pushed(registry, "team/deep/name", "latest", await marked("latest").build());
  const output = await pulled(engine, [name]);
  assert.match(output, /^Using default tag: latest\nlatest: Pulling from team\/deep\/name\n/);
  assert.equal(output.split("\n").at(-2), `${name}:latest`);
  assert.equal(await pulled(engine, ["--quiet", name]), `${name}:latest\n`);
}

async function testPlatforms(engine: Engine, registry: RealRegistry): Promise<void> {
  const arm = await marked("arm", { platform: { os: "linux", architecture: "arm64", variant: "v8" } }).build();
  const own = await marked("own").build();
  const index = indexOf([arm, own]);
  const name = `${await pushed(registry, "multi", "1", index)}:1`;
  const digest = `${name.slice(0, -2)}@${index.top.digest}`;

  await pulled(engine, [name]);
  assert.equal(await markIn(engine, name), "own");
  assert.deepEqual((await inspect(engine, name)).RepoDigests, [digest], "the RepoDigest is the index's");

  await pulled(engine, ["--platform", "linux/arm64", name]);
  const found = await inspect(engine, name);
  assert.deepEqual([found.Id, found.Architecture, found.RepoDigests], [arm.config.digest, "arm64", [digest]]);

  await pulled(engine, [digest]);
  assert.equal((await inspect(engine, digest)).Id, own.config.digest, "a digest names what was pulled by it last");
  const wrong = await engine.tsd(["pull", "--platform", "linux/s390x", name]);
  assert.equal(clearFailure(wrong, "a platform that isn't there"), noMatch("linux/s390x"));
  const windows = await engine.docker(["pull", "-q", "--platform", "windows/amd64", name]);
  assert.equal(windows.stderr.replace("Error response from daemon: ", ""), `${noMatch("windows/amd64")}\n`);
  const invalid = await engine.tsd(["pull", "--platform", "linux/a/b/c", name]);
  assert.match(
    clearFailure(invalid, "no platform"),
    /^"linux\/a\/b\/c": cannot parse platform specifier: invalid argument$/,
  );
  assert.equal((await inspect(engine, name)).Id, arm.config.digest, "a failed pull leaves the tag where it was");
}

const noMatch = (platform: string) => `no matching manifest for ${platform} in the manifest list entries`;

async function testSinglePlatform(engine: Engine, registry: RealRegistry): Promise<void> {
  const arm = await marked("only arm", { platform: { os: "linux", architecture: "arm64" } }).build();
  const name = `${await pushed(registry, "single", "1", arm)}:1`;
  const wrong = await engine.tsd(["pull", "--platform", "linux/amd64", name]);
  assert.match(
    clearFailure(wrong, "another platform"),
    /was found but its platform \(linux\/arm64\/v8\) does not match/,
  );
  await pulled(engine, ["--platform", "linux/arm64", name]);
}

async function testTypes(engine: Engine, registry: RealRegistry): Promise<void> {
  const cases: readonly (readonly ["oci" | "docker", Compression])[] = [
    ["oci", "gzip"],
    ["oci", "zstd"],
    ["oci", "none"],
    ["docker", "gzip"],
    ["docker", "none"],
  ];
  for (const [format, compression] of cases) {
    const image = await marked(`${format} ${compression}`, { format, compression }).build();
    const name = `${await pushed(registry, `types/${format}`, compression, image)}:${compression}`;
    await pulled(engine, [name]);
    assert.equal(await markIn(engine, name), `${format} ${compression}`);
    assert.equal((await inspect(engine, name)).Id, image.config.digest);
  }
  const docker: Image = await busyboxImage({ format: "docker" });
  const list = indexOf([docker], { format: "docker" });
  const name = `${await pushed(registry, "types/list", "1", list)}:1`;
  await pulled(engine, [name]);
  assert.deepEqual((await inspect(engine, name)).RepoDigests, [`${name.slice(0, -2)}@${list.top.digest}`]);
}

Deno.test({
  name: "every form of image and name pulls from docker-registry",
  ...requires("root", "runc", "overlay", "docker", "docker-registry"),
  fn: async (test) => {
    await using registry = await startRealRegistry();
    await using engine = await startEngine();
    await test.step("tag, digest, tag and digest", () => testNames(engine, registry));
    await test.step("no tag means latest", () => testLatest(engine, registry));
    await test.step("an index and its platforms", () => testPlatforms(engine, registry));
    await test.step("an image for one platform", () => testSinglePlatform(engine, registry));
    await test.step("OCI and Docker types; gzip, zstd and uncompressed", () => testTypes(engine, registry));
  },
});
