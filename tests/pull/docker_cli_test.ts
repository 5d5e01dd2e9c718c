/** What the docker CLI (and tsd, whose output is the same) prints for pulls, without a terminal. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { pullGoodImage, type PullSetup, startPullSetup } from "./setup.ts";

const short = (digest: string) => digest.slice("sha256:".length, "sha256:".length + 12);
const own = (text: string) => busyboxBuilder().layer([file("own", text)]).layer([file("second", text)]).build();

/** Sorts the lines that may come in any order; all others keep their places. */
function grouped(output: string): string[] {
  const lines = output.trimEnd().split("\n");
  const ofLayers = lines.filter((line) => /^[0-9a-f]{12}: /.test(line));
  return [...lines.filter((line) => !ofLayers.includes(line)), ...ofLayers.sort()];
}

function freshLines(reference: string, image: Image, shared: number): string[] {
  const [, repo = "", tag = ""] = /^[^/]*\/(.*):(\w+)$/.exec(reference) ?? [];
  const steps = ["Download complete", "Pull complete", "Pulling fs layer", "Verifying Checksum"];
  return [
    `${tag}: Pulling from ${repo}`,
    `Digest: ${image.top.digest}`,
    `Status: Downloaded newer image for ${reference}`,
    reference,
    ...image.layers.flatMap(({ blob }, at) =>
      (at < shared ? ["Already exists"] : steps).map((step) => `${short(blob.digest)}: ${step}`)
    ).sort(),
  ];
}

async function testPull({ engine, registry }: PullSetup, client: "docker" | "tsd"): Promise<void> {
  const image = await own(client);
  const reference = registry.add(`cli/${client}`, "one", image);
  const first = await engine[client](["pull", reference]);
  assert.deepEqual([first.code, first.stderr], [0, ""]);
  assert.deepEqual(grouped(first.stdout), freshLines(reference, image, 1));
  assert.ok(first.stdout.startsWith("one: Pulling from"));
  assert.ok(first.stdout.endsWith(`Status: Downloaded newer image for ${reference}\n${reference}\n`));
  const again = await engine[client](["pull", reference]);
  assert.deepEqual(again, {
    code: 0,
    stdout: `one: Pulling from cli/${client}\nDigest: ${image.top.digest}\n` +
      `Status: Image is up to date for ${reference}\n${reference}\n`,
    stderr: "",
  });
  assert.deepEqual(await engine[client](["pull", "-q", reference]), { code: 0, stdout: `${reference}\n`, stderr: "" });
}

/** Failures before and in the stream: both end with one line and code 1. */
async function testFailures({ engine, registry }: PullSetup): Promise<void> {
  const reference = registry.add("cli/broken", "one", await own("broken"));
  const unknown = await engine.docker(["pull", `${registry.host}/cli/broken:two`]);
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  const daemon = "Error response from daemon: ";
  assert.match(unknown.stderr, new RegExp(`^${daemon}manifest for \\S+ not found: manifest unknown: .*\n$`));
  registry.fail({ path: "/v2/cli/broken/blobs/*", after: 1, fault: "corrupt", atByte: 20 });
  const broken = await engine.docker(["pull", reference]);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /^one: Pulling from cli\/broken\n/);
  assert.match(broken.stderr, /^Cannot accept layer sha256:\S+: digest is sha256:\S+, expected sha256:\S+\n$/);
  const wrong = await engine.docker(["pull", "-q", "UPPER/case:x"]);
  assert.deepEqual([wrong.code, wrong.stdout], [1, ""]);
}

/** All tags of a repository: the output for each as if it were pulled alone, one status at the end. */
async function testAllTags({ engine, registry }: PullSetup, client: "docker" | "tsd"): Promise<void> {
  const [one, two] = [await own(`${client} one`), await own(`${client} two`)];
  registry.add(`all/${client}`, "one", one);
  registry.add(`all/${client}`, "two", two);
  const name = `${registry.host}/all/${client}`;
  const all = await engine[client](["pull", "-a", name]);
  assert.deepEqual([all.code, all.stderr], [0, ""]);
  const lines = all.stdout.trimEnd().split("\n").filter((line) => !/^[0-9a-f]{12}: /.test(line));
  const tag = (tag: string, { top }: Image) => [`${tag}: Pulling from all/${client}`, `Digest: ${top.digest}`];
  const status = (verb: string) => [`Status: ${verb} ${name}`, name];
  assert.deepEqual(lines, [...tag("one", one), ...tag("two", two), ...status("Downloaded newer image for")]);
  const again = await engine[client](["pull", "--all-tags", name]);
  assert.deepEqual(again.stdout.trimEnd().split("\n").slice(-2), status("Image is up to date for"));
  assert.deepEqual((await engine[client](["pull", "-aq", name])).stdout, `${name}\n`);
  for (const tagged of ["one", "two"]) {
    assert.equal((await engine.tsd(["image", "inspect", `${name}:${tagged}`])).code, 0);
  }
  const both = await engine[client](["pull", "-a", `${name}:one`]);
  assert.deepEqual(both, { code: 1, stdout: "", stderr: "tag can't be used with --all-tags/-a\n" });
  const trusting = await engine[client](["pull", "-q", "--disable-content-trust", `${name}:one`]);
  assert.deepEqual(trusting, { code: 0, stdout: `${name}:one\n`, stderr: "" });
}

/** `docker run` of a missing image pulls it, and reports that on standard error. */
async function testRun({ engine, registry }: PullSetup): Promise<void> {
  for (const client of ["docker", "tsd"] as const) {
    const image = await own(`run by ${client}`);
    const reference = registry.add(`run/${client}`, "one", image);
    const run = await engine[client](["run", "--rm", "--network", "none", reference, "cat", "/own"]);
    assert.deepEqual([run.code, run.stdout], [0, `run by ${client}`]);
    const [first, ...rest] = run.stderr.split("\n");
    assert.equal(first, `Unable to find image '${reference}' locally`);
    assert.deepEqual(grouped(`${rest.join("\n")}${reference}\n`), freshLines(reference, image, 1));
  }
}

Deno.test({
  name: "docker pull shows Docker's lines",
  ...requires("root", "runc", "overlay", "docker"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    await test.step("docker pull", () => testPull(setup, "docker"));
    await test.step("tsd pull", () => testPull(setup, "tsd"));
    await test.step("docker pull -a", () => testAllTags(setup, "docker"));
    await test.step("tsd pull -a", () => testAllTags(setup, "tsd"));
    await test.step("failures", () => testFailures(setup));
    await test.step("run", () => testRun(setup));
  },
});
