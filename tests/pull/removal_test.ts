/** `rmi`: which names and images are removed, and that a layer is deleted when, and only when, nothing uses it. */
import { strict as assert } from "node:assert";
import { chainIds } from "../../src/image/chain_id.ts";
import { parseDigest } from "../../src/image/digest.ts";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { layersOnDisk, listedImages, pulled, type PullSetup, startPullSetup, storeListing } from "./setup.ts";

/** Builds busybox with an additional layer on top. */
const topped = (text: string) => busyboxBuilder().layer([file("top", text)]).build();
const layersOf = (...images: Image[]) =>
  [...new Set(images.flatMap(({ layers }) => layers.map(({ diffId }) => diffId)))].sort();

/** Returns the chain IDs by which removed layers are reported. */
const chainOf = (image: Image) => chainIds(image.layers.map(({ diffId }) => parseDigest(diffId)));

interface Case extends PullSetup {
  readonly one: Image;
  readonly two: Image;
  /** References of `one` and `two`. */
  readonly references: readonly [string, string];
}

/** Pulls both images; they share their base. */
async function twoImages(setup: PullSetup, repo: string): Promise<Case> {
  const [one, two] = [await topped(`${repo} one`), await topped(`${repo} two`)];
  const references = [setup.registry.add(repo, "one", one), setup.registry.add(repo, "two", two)] as const;
  for (const reference of references) await pulled(setup.engine, ["-q", reference]);
  return { ...setup, one, two, references };
}

async function rmi({ engine }: PullSetup, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await engine.tsd(["rmi", ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
}

async function refused({ engine }: PullSetup, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.tsd(["rmi", ...args]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  return stderr.trimEnd();
}

async function testSharedLayers(setup: PullSetup): Promise<void> {
  const empty = await storeListing(setup.engine);
  const { engine, one, two, references } = await twoImages(setup, "shared");
  const digests = [one, two].map(({ top }) => `${references[0].replace(/:one$/, "")}@${top.digest}`);
  assert.deepEqual(await layersOnDisk(engine), layersOf(one, two));
  assert.deepEqual(await rmi(setup, references[0]), [
    `Untagged: ${references[0]}`,
    `Untagged: ${digests[0]}`,
    `Deleted: ${one.config.digest}`,
    `Deleted: ${(await chainOf(one)).at(-1)}`,
  ]);
  assert.deepEqual(await layersOnDisk(engine), layersOf(two));
  const run = await engine.tsd(["run", "--rm", "--network", "none", references[1], "cat", "/top"]);
  assert.equal(run.stdout, "shared two");
  assert.equal((await rmi(setup, references[1])).length, 5);
  assert.deepEqual(await layersOnDisk(engine), []);
  const left = (await storeListing(engine)).filter((path) => !empty.includes(path));
  assert.deepEqual(left.filter((path) => /[0-9a-f]{32}/.test(path)), [], "only folders of the store itself are left");
}

async function testNames(setup: PullSetup): Promise<void> {
  const { engine, one, references } = await twoImages(setup, "names");
  const id = one.config.digest.slice("sha256:".length);
  const second = setup.registry.add("names/other", "two", one);
  await pulled(engine, ["-q", second]);
  assert.match(await refused(setup, id), new RegExp(`unable to delete ${id.slice(0, 12)} \\(must be forced\\)`));
  assert.deepEqual(await rmi(setup, second), [`Untagged: ${second}`, `Untagged: ${digestName(second, one)}`]);
  assert.equal((await rmi(setup, id.slice(0, 8)))[0], `Untagged: ${references[0]}`);
  assert.equal(await refused(setup, references[0]), `tsd: No such image: ${references[0]}`);
  assert.match((await rmi(setup, references[1])).at(-1) ?? "", /^Deleted: /);
  assert.deepEqual(await listedImages(engine), []);
}

const digestName = (reference: string, image: Image) => `${reference.replace(/:[^:/]+$/, "")}@${image.top.digest}`;

async function testSeveral(setup: PullSetup): Promise<void> {
  const { engine, references } = await twoImages(setup, "several");
  const { code, stdout, stderr } = await engine.docker(["rmi", references[0], "nothing:1", references[1]]);
  assert.equal(code, 1);
  assert.match(stderr, /^Error response from daemon: No such image: nothing:1\n?$/);
  assert.equal(stdout.match(/^Untagged: /mg)?.length, 4);
  assert.deepEqual(await layersOnDisk(engine), []);
}

async function testInUse(setup: PullSetup): Promise<void> {
  const { engine, one, two, references } = await twoImages(setup, "used");
  const flags = ["--network", "none"];
  const sleeping = (await engine.tsd(["run", "-d", ...flags, references[0], "sleep", "1000"])).stdout.trim();
  assert.match(
    await refused(setup, references[0]),
    /^tsd: conflict: unable to remove repository reference ".*\(must force\)/,
  );
  assert.match(await refused(setup, "-f", one.config.digest), /\(cannot be forced\) - image is being used by running/);
  await engine.tsd(["stop", "-t", "0", sleeping]);
  assert.match(
    await refused(setup, one.config.digest),
    /\(must be forced\) - image is being used by stopped container/,
  );
  const removed = await rmi(setup, "-f", references[0]);
  assert.equal(removed.at(-1), `Deleted: ${one.config.digest}`);
  assert.deepEqual(await layersOnDisk(engine), layersOf(one, two), "the container's layers stay");
  await rmi(setup, references[1]);
  assert.deepEqual(await layersOnDisk(engine), layersOf(one));
  assert.equal((await engine.tsd(["start", sleeping])).code, 0, "a container starts without its image");
  const top = await engine.tsd(["exec", sleeping, "cat", "/top"]);
  assert.equal(top.stdout, "used one");
  await engine.restart();
  assert.deepEqual(await layersOnDisk(engine), layersOf(one), "neither does the sweep at the start take them");
  await engine.tsd(["rm", "-f", sleeping]);
  assert.deepEqual(await layersOnDisk(engine), []);
}

async function testRacingPulls(setup: PullSetup): Promise<void> {
  const { engine, references: [reference, other] } = await twoImages(setup, "race");
  for (let round = 0; round < 10; round++) {
    const path = `/images/create?fromImage=${setup.registry.host}/race&tag=one`;
    const [pull] = await Promise.all([engine.api.post(path), engine.api.delete(`/images/${reference}?force=1`)]);
    assert.deepEqual([pull.status, pull.jsonLines().at(-1)?.error], [200, undefined]);
    const listed = await engine.api.get("/images/json");
    assert.equal(listed.status, 200, listed.text());
    if (!(await listedImages(engine)).includes(reference)) continue;
    const run = await engine.tsd(["run", "--rm", "--network", "none", reference, "cat", "/top"]);
    assert.deepEqual(run, { code: 0, stdout: "race one", stderr: "" });
  }
  await pulled(engine, ["-q", reference]);
  await rmi(setup, reference, other);
  assert.deepEqual(await layersOnDisk(engine), []);
}

Deno.test({
  name: "rmi removes what was named, and what nothing else uses",
  ...requires("root", "runc", "overlay", "docker"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await test.step("layers that images share", () => testSharedLayers(setup));
    await test.step("names, IDs and prefixes", () => testNames(setup));
    await test.step("several images, one of them unknown", () => testSeveral(setup));
    await test.step("a concurrent removal and pull", () => testRacingPulls(setup));
    await test.step("images in use by containers", () => testInUse(setup));
  },
});
