/** Interrupted downloads of large layers, which resume in the next pull, also in another engine. */
import { strict as assert } from "node:assert";
import { type Engine, type Session, until } from "../harness/mod.ts";
import { busyboxBuilder, digestOf, file, type Image } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { clearFailure, layersBytes, pulled, type PullSetup, startPullSetup } from "./setup.ts";

const MIB = 2 ** 20;
const LARGE_BYTES = 66 * MIB;
const SLOW_BYTES_PER_SECOND = 40 * MIB;

interface LargeImage {
  readonly image: Image;
  readonly reference: string;
  readonly content: Uint8Array<ArrayBuffer>;
  /** The path of the large layer's blob at the registry, and of its partial blob. */
  readonly blob: string;
  readonly part: string;
}

/**
 * Serves an image with a layer that arrives at once and one that takes a while, uncompressed: every flipped bit
 * matters.
 */
async function largeImage({ engine, registry }: PullSetup): Promise<LargeImage> {
  const content = Uint8Array.from({ length: LARGE_BYTES }, (_, at) => (at * 7) >> 9);
  const image = await busyboxBuilder().layer([file("large", content)], { compression: "none" }).build();
  const { digest } = image.layers[1]!.blob;
  return {
    image,
    reference: registry.add("large", "1", image),
    content,
    blob: `/v2/large/blobs/${digest}`,
    part: `${engine.layerRoot}/parts/${digest.slice("sha256:".length)}`,
  };
}

const leave = (pulling: Session) => Promise.resolve(pulling.kill());

/** Stops the engine, and its client, which would continue the pull in the next engine otherwise. */
const end = (engine: Engine, signal: "SIGKILL" | "SIGTERM" = "SIGKILL") => async (pulling: Session) => {
  await engine.stop(signal);
  pulling.kill("SIGKILL");
  await pulling.wait();
  await engine.start();
};

const sizeOf = (path: string) => Deno.stat(path).then(({ size }) => size, () => 0);

/** Pulls slowly until a third of the large layer has arrived; `interrupt` interrupts it. */
async function breakOff(
  { engine, registry }: PullSetup,
  { reference, blob, part }: LargeImage,
  interrupt: (pulling: Session) => Promise<unknown>,
): Promise<void> {
  registry.fail({ path: blob, fault: "slow", bytesPerSecond: SLOW_BYTES_PER_SECOND });
  const before = await layersBytes(engine);
  await using pulling = engine.session("tsd", ["pull", reference]);
  await until("a third of the layer", async () => await sizeOf(part) > LARGE_BYTES / 3);
  await interrupt(pulling);
  await pulling.wait();
  // It counts once nothing is written any more.
  await until("the part to count", async () => await layersBytes(engine) > before + LARGE_BYTES / 3);
  registry.heal();
}

/** Returns the offsets of the requests for the large layer since `from`. */
const rangesOf = ({ registry }: PullSetup, { blob }: LargeImage, from: number) =>
  registry.requestsFor(blob, "GET").slice(from).map(({ headers }) => headers.range);

/** Checks that the image is complete, and that the next pull of it starts from the beginning. */
async function assertWholeThenRemove(engine: Engine, { reference, content, part }: LargeImage): Promise<void> {
  const ran = await engine.tsd(["run", "--rm", "--network", "none", reference, "sha256sum", "/large"]);
  assert.deepEqual([ran.code, ran.stdout], [0, `${digestOf(content).slice("sha256:".length)}  /large\n`]);
  assert.equal(await sizeOf(part), 0);
  assert.equal((await engine.tsd(["rmi", reference])).code, 0);
}

async function testGoesOn(
  setup: PullSetup,
  large: LargeImage,
  interrupt: (pulling: Session) => Promise<unknown>,
): Promise<void> {
  const { engine, registry } = setup;
  await breakOff(setup, large, interrupt);
  const [held, requested] = [await sizeOf(large.part), registry.requestsFor(large.blob, "GET").length];
  assert.ok(held > LARGE_BYTES / 3 && held < large.image.layers[1]!.blob.sizeBytes, `${held} bytes`);
  const said = await pulled(engine, [large.reference]);
  assert.deepEqual(rangesOf(setup, large, requested), [`bytes=${held}-`]);
  assert.match(said, /: Resuming at \d+(\.\d+)?MB\n/);
  await assertWholeThenRemove(engine, large);
}

async function testUnfit(
  setup: PullSetup,
  large: LargeImage,
  spoil: (path: string) => Promise<unknown>,
  ranges: (held: number) => (string | undefined)[],
): Promise<void> {
  const { engine, registry } = setup;
  await breakOff(setup, large, end(engine));
  await spoil(large.part);
  const [held, requested] = [await sizeOf(large.part), registry.requestsFor(large.blob, "GET").length];
  await pulled(engine, [large.reference]);
  assert.deepEqual(rangesOf(setup, large, requested), ranges(held));
  await assertWholeThenRemove(engine, large);
}

async function flip(path: string): Promise<void> {
  using part = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await part.seek(MIB, Deno.SeekMode.Start);
  await part.read(byte);
  await part.seek(MIB, Deno.SeekMode.Start);
  await part.write(byte.map((value) => value ^ 1));
}

async function testWithoutRanges(setup: PullSetup, large: LargeImage): Promise<void> {
  const { engine, registry } = setup;
  await breakOff(setup, large, end(engine));
  registry.fail({ path: large.blob, fault: "ignore-range" });
  await pulled(engine, [large.reference]);
  registry.heal();
  await assertWholeThenRemove(engine, large);
}

async function testDamagedAtTheRegistry(setup: PullSetup, large: LargeImage): Promise<void> {
  const { engine, registry } = setup;
  await breakOff(setup, large, end(engine));
  registry.fail({ path: large.blob, fault: "corrupt", atByte: 60 * MIB });
  const failure = clearFailure(await engine.tsd(["pull", large.reference]), "a corrupt layer");
  assert.match(failure, /^Cannot accept layer sha256:.*: digest is/);
  assert.equal(await sizeOf(large.part), 0);
  registry.heal();
  await pulled(engine, [large.reference]);
  await assertWholeThenRemove(engine, large);
}

async function testTwoPulls(setup: PullSetup, large: LargeImage): Promise<void> {
  const { engine, registry } = setup;
  registry.fail({ path: large.blob, fault: "slow", bytesPerSecond: SLOW_BYTES_PER_SECOND });
  const requested = registry.requestsFor(large.blob, "GET").length;
  const pulls = [1, 2].map(() => engine.tsd(["pull", "-q", large.reference]));
  assert.deepEqual((await Promise.all(pulls)).map(({ code, stderr }) => [code, stderr]), [[0, ""], [0, ""]]);
  registry.heal();
  assert.deepEqual(rangesOf(setup, large, requested), [undefined]);
  await assertWholeThenRemove(engine, large);
}

async function testPrune(setup: PullSetup, large: LargeImage): Promise<void> {
  const { engine } = setup;
  await breakOff(setup, large, end(engine));
  const plan = await engine.tsd(["prune", "--dry-run"]);
  assert.match(plan.stdout, /^interrupted download +[0-9a-f]{12} +part +\d\S+MB +its pull was broken off /m);
  assert.equal((await engine.tsd(["prune", "-f"])).code, 0);
  assert.equal(await sizeOf(large.part), 0);
  assert.match((await engine.tsd(["prune", "--dry-run"])).stdout, /^Nothing to remove/);
  await breakOff(setup, large, leave);
  assert.ok(await sizeOf(large.part) > 0);
  const answer = await engine.api.post("/images/prune");
  assert.ok(answer.json<{ SpaceReclaimed: number }>().SpaceReclaimed > LARGE_BYTES / 3);
  assert.equal(await sizeOf(large.part), 0);
}

Deno.test({
  name: "large layers resume where they were interrupted",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    const { engine } = setup;
    const large = await largeImage(setup);
    const fromStart = (held: number) => [`bytes=${held}-`, undefined];
    await test.step("the engine is killed", () => testGoesOn(setup, large, end(engine)));
    await test.step("the engine gets SIGTERM", () => testGoesOn(setup, large, end(engine, "SIGTERM")));
    await test.step("the client disconnects", () => testGoesOn(setup, large, leave));
    await test.step("a damaged partial blob is discarded", () => testUnfit(setup, large, flip, fromStart));
    await test.step("so is a partial blob longer than the layer", () =>
      testUnfit(setup, large, (path) => Deno.truncate(path, 2 * LARGE_BYTES), () => [undefined]));
    await test.step("a registry without range support", () => testWithoutRanges(setup, large));
    await test.step("a layer that is damaged at the registry", () => testDamagedAtTheRegistry(setup, large));
    await test.step("two pulls of one layer", () => testTwoPulls(setup, large));
    await test.step("prune", () => testPrune(setup, large));
  },
});
