/** An engine that is killed during a pull leaves no visible images and no files. */
import { strict as assert } from "node:assert";
import { type Engine, startEngine } from "../harness/mod.ts";
import { busyboxBuilder, digestOf, file, type Image } from "../images/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { namesIn, pull, until } from "./setup.ts";

const LAYER_BYTES = 300_000;

const content = (seed: number) => Uint8Array.from({ length: LAYER_BYTES }, (_, at) => (at * at * seed) >> 7);

/** Three layers; a slow registry delays the second and third. */
async function threeLayers(): Promise<Image> {
  return await busyboxBuilder()
    .layer([file("second", content(7))], { compression: "none" })
    .layer([file("third", content(11))], { compression: "none" })
    .build();
}

const layersOf = ({ layerRoot }: Engine) => namesIn(`${layerRoot}/layers`);
const ingestOf = ({ layerRoot }: Engine) => namesIn(`${layerRoot}/ingest`);

function slowDown(registry: ScriptedRegistry, image: Image, layers: readonly number[]): void {
  for (const layer of layers) {
    const path = `*/blobs/${image.layers[layer]!.blob.digest}`;
    registry.fail({ path, fault: "slow", bytesPerSecond: LAYER_BYTES / 10 });
  }
}

/** Kills the engine during a pull once `ready` returns true, and starts the next one. */
async function killInPull(engine: Engine, reference: string, ready: () => Promise<boolean>): Promise<void> {
  await using pulling = engine.session("tsd", ["pull", reference]);
  await until("the middle of the pull", ready);
  await engine.stop("SIGKILL");
  const { code, stderr } = await pulling.wait();
  assert.equal(code, 1);
  assert.match(stderr, /^tsd: [^\n]+\n$/);
  await engine.start();
}

async function assertNothingIsLeft(engine: Engine): Promise<void> {
  assert.equal((await engine.tsd(["images", "-aq"])).stdout, "");
  assert.deepEqual(await layersOf(engine), []);
  assert.deepEqual(await ingestOf(engine), []);
}

async function assertPullsAndRuns(engine: Engine, reference: string): Promise<void> {
  await pull(engine, reference);
  const ran = await engine.tsd(["run", "--rm", "--network", "none", reference, "sha256sum", "/second", "/third"]);
  const sums = [7, 11].map((seed) => digestOf(content(seed)).slice("sha256:".length));
  assert.deepEqual([ran.code, ran.stderr, ran.stdout], [0, "", `${sums[0]}  /second\n${sums[1]}  /third\n`]);
  assert.equal((await layersOf(engine)).length, 3);
  // The container's files are removed after its exit event.
  await until("nothing under way", async () => (await ingestOf(engine)).length === 0);
}

Deno.test("killed while all layers are being fetched", requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const image = await threeLayers();
  const reference = registry.add("three", "1", image);
  await using engine = await startEngine();
  slowDown(registry, image, [0, 1, 2]);
  await killInPull(engine, reference, async () => (await ingestOf(engine)).length >= 3);
  await assertNothingIsLeft(engine);
  registry.heal();
  await assertPullsAndRuns(engine, reference);
});

Deno.test(
  "killed when one layer is complete: it stays, and is not fetched again",
  requires("root", "runc"),
  async () => {
    await using registry = startScriptedRegistry();
    const image = await threeLayers();
    const reference = registry.add("three", "1", image);
    await using engine = await startEngine();
    slowDown(registry, image, [1, 2]);
    await killInPull(engine, reference, async () => (await layersOf(engine)).length === 1);
    assert.deepEqual([(await engine.tsd(["images", "-aq"])).stdout, await ingestOf(engine)], ["", []]);
    assert.equal((await layersOf(engine)).length, 1);
    registry.heal();
    await assertPullsAndRuns(engine, reference);
    const blobs = image.layers.map(({ blob }) => `*/blobs/${blob.digest}`);
    assert.deepEqual(blobs.map((path) => registry.requestsFor(path).length), [1, 2, 2]);
  },
);

Deno.test(
  "killed before the first byte of a layer, and during the manifest's request",
  requires("root", "runc"),
  async () => {
    await using registry = startScriptedRegistry();
    const image = await threeLayers();
    const reference = registry.add("three", "1", image);
    await using engine = await startEngine();
    for (const path of ["*/blobs/*", "*/manifests/*"]) {
      registry.fail({ path, fault: "hang" });
      const before = registry.requestsFor(path).length;
      await killInPull(engine, reference, () => Promise.resolve(registry.requestsFor(path).length > before));
      await assertNothingIsLeft(engine);
      registry.heal();
    }
    await assertPullsAndRuns(engine, reference);
  },
);

Deno.test(
  "killing a pull of a layer that another image uses keeps that layer",
  requires("root", "runc"),
  async () => {
    await using registry = startScriptedRegistry();
    const image = await threeLayers();
    const reference = registry.add("three", "1", image);
    const base = registry.add("base", "1", await busyboxBuilder().build());
    await using engine = await startEngine();
    await pull(engine, base);
    const [kept] = await layersOf(engine);
    slowDown(registry, image, [1, 2]);
    await killInPull(engine, reference, async () => (await ingestOf(engine)).length >= 2);
    assert.deepEqual(await layersOf(engine), [kept]);
    assert.deepEqual(await ingestOf(engine), []);
    assert.equal((await engine.tsd(["run", "--rm", "--network", "none", base, "true"])).code, 0);
  },
);
