/**
 * Pulls that are interrupted by their client or by the engine's exit: only finished layers stay, and other clients are
 * unaffected.
 */
import { strict as assert } from "node:assert";
import { until, untilNone } from "../engine/setup.ts";
import { type Engine, processState } from "../harness/mod.ts";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { checkAlive } from "./malicious_setup.ts";
import {
  layersBytes,
  layersOnDisk,
  listedImages,
  pruneDownloads,
  type PullSetup,
  startPullSetup,
  storeChanges,
  storeListing,
} from "./setup.ts";

const SLOW_BYTES_PER_SECOND = 50_000;

interface SlowImage {
  readonly reference: string;
  readonly image: Image;
  /** The path of the large layer's blob at the registry. */
  readonly layer: string;
}

/** Serves an image with a small layer that arrives at once and a large one that takes 10 seconds, that many times. */
async function slowImage({ registry }: PullSetup, repo: string, slowTimes = Infinity): Promise<SlowImage> {
  const image = await busyboxBuilder()
    .layer([file("small", repo)])
    .layer([file("large", repo.padEnd(500_000, "x"))], { compression: "none" }).build();
  const layer = `/v2/${repo}/blobs/${image.layers[2]!.blob.digest}`;
  registry.fail({ path: layer, times: slowTimes, fault: "slow", bytesPerSecond: SLOW_BYTES_PER_SECOND });
  return { reference: registry.add(repo, "1", image), image, layer };
}

/** Waits until the small layer is complete and the large one is in progress. */
async function untilHalfWay(
  { engine, registry }: PullSetup,
  { image, layer }: SlowImage,
  downloads = 1,
): Promise<void> {
  await until("half of the image", async () => {
    const onDisk = await layersOnDisk(engine);
    const ingesting = (await storeListing(engine)).some((path) =>
      /^(erofs\/ingest\/.*\/layer\.tar|overlay2\/ingest\/.*\/tree)$/.test(path)
    );
    const requested = registry.requestsFor(layer, "GET").length >= downloads;
    return requested && ingesting && onDisk.includes(image.layers[1]!.diffId);
  });
}

/** Returns the engine's open files below its data root. (Connections to registries stay open for a while.) */
async function openFiles({ pid, dataRoot }: Engine): Promise<string[]> {
  return (await processState(pid)).descriptors.filter((target) => target.startsWith(dataRoot));
}

/** Reports whether a change belongs to the small layer, which was complete. */
function isOf({ driver }: Engine, { image }: SlowImage, change: string): boolean {
  const { diffId } = image.layers[1]!;
  return `${change}/`.startsWith(`+ ${driver}/layers/${diffId.slice("sha256:".length)}/`);
}

/** Removes what pulls left; it counts as taken until then, once the pull is over. */
async function pruned(engine: Engine, bytesBefore: number): Promise<void> {
  await until("what is left to count", async () => await layersBytes(engine) > bytesBefore);
  await pruneDownloads(engine);
  assert.equal(await layersBytes(engine), bytesBefore);
}

async function testClientLeaves(setup: PullSetup, client: "tsd" | "docker", signal: Deno.Signal): Promise<void> {
  const { engine } = setup;
  const [store, open] = [await storeListing(engine), (await openFiles(engine)).length];
  const bytesBefore = await layersBytes(engine);
  const slow = await slowImage(setup, `leaves/${client}/${signal.toLowerCase()}`);
  await using pull = engine.session(client, ["pull", slow.reference]);
  await untilHalfWay(setup, slow);
  pull.kill(signal);
  assert.notEqual((await pull.wait()).code, 0);
  await untilNone(async () => (await storeChanges(engine, store)).filter((change) => !isOf(engine, slow, change)));
  assert.ok((await layersOnDisk(engine)).includes(slow.image.layers[1]!.diffId));
  await pruned(engine, bytesBefore);
  assert.deepEqual(await storeChanges(engine, store), []);
  assert.equal((await openFiles(engine)).length, open);
  assert.ok(!(await listedImages(engine)).includes(slow.reference));
}

async function testOtherGoesOn(setup: PullSetup): Promise<void> {
  const { engine, registry } = setup;
  const slow = await slowImage(setup, "others", 1);
  await using first = engine.session("tsd", ["pull", "-q", slow.reference]);
  await untilHalfWay(setup, slow);
  const others = ["tsd", "docker", "tsd"] as const;
  const sessions = others.map((client) => engine.session(client, ["pull", "-q", slow.reference]));
  await using _ended = disposing(sessions);
  await until("the others' manifests", () => registry.requestsFor("/v2/others/manifests/1", "GET").length === 4);
  sessions[0]!.kill(); // One that waits for the first one's layer.
  first.kill();
  for (const session of sessions.slice(1)) assert.equal((await session.wait()).code, 0);
  assert.equal(registry.requestsFor(slow.layer, "GET").length, 2, "one download was left, one finished");
  const run = await engine.tsd(["run", "--rm", "--network", "none", slow.reference, "wc", "-c", "/large"]);
  assert.equal(run.stdout, "500000 /large\n");
}

function disposing(items: readonly AsyncDisposable[]): AsyncDisposable {
  const stack = new AsyncDisposableStack();
  for (const item of items) stack.use(item);
  return stack;
}

async function testLeavesWhileNothingComes(setup: PullSetup): Promise<void> {
  const { engine, registry } = setup;
  const store = await storeListing(engine);
  for (const path of ["manifests/1", "blobs/*"]) {
    const slow = await slowImage(setup, `silent/${path.slice(0, 4)}`);
    const pattern = slow.reference.replace(/^[^/]*\/(.*):1$/, `/v2/$1/${path}`);
    registry.fail({ path: pattern, fault: "hang" });
    await using pull = engine.session("tsd", ["pull", slow.reference]);
    await until("the request", () => registry.requestsFor(pattern).length > 0);
    pull.kill("SIGINT");
    await pull.wait();
  }
  await untilNone(() => storeChanges(engine, store));
}

async function testEngineEnds(setup: PullSetup, signal: Deno.Signal): Promise<void> {
  const { engine, registry } = setup;
  const store = await storeListing(engine);
  const slow = await slowImage(setup, `ends/${signal.toLowerCase()}`, 1);
  await using pull = engine.session("tsd", ["pull", slow.reference]);
  await untilHalfWay(setup, slow);
  await engine.stop(signal);
  const { code, stderr } = await pull.wait();
  assert.equal(code, 1);
  assert.match(stderr, /^tsd: [^\n]+\n$/);
  await engine.start();
  // The complete layer is available to the next pull.
  const { blob } = slow.image.layers[1]!;
  const changes = await storeChanges(engine, store);
  assert.ok(changes.length > 0 && changes.every((change) => isOf(engine, slow, change)), changes.join("; "));
  assert.ok(!(await listedImages(engine)).includes(slow.reference));
  assert.equal((await engine.tsd(["pull", "-q", slow.reference])).code, 0, "the next pull works");
  assert.equal(registry.requestsFor(`*/blobs/${blob.digest}`).length, 1, "a finished layer is asked for once");
  assert.equal((await engine.tsd(["rmi", slow.reference])).code, 0);
  assert.deepEqual(await storeChanges(engine, store), []);
}

Deno.test({
  name: "interrupted pulls leave nothing but their finished layers",
  ...requires("root", "runc", "overlay", "docker"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await checkAlive(setup);
    await test.step("tsd is killed", () => testClientLeaves(setup, "tsd", "SIGKILL"));
    await test.step("Ctrl-C at tsd", () => testClientLeaves(setup, "tsd", "SIGINT"));
    await test.step("Ctrl-C at docker", () => testClientLeaves(setup, "docker", "SIGINT"));
    await test.step("while other clients pull the same image", () => testOtherGoesOn(setup));
    await test.step("while the registry does not answer", () => testLeavesWhileNothingComes(setup));
    await test.step("the engine gets SIGTERM", () => testEngineEnds(setup, "SIGTERM"));
    await test.step("the engine is killed", () => testEngineEnds(setup, "SIGKILL"));
    await test.step("an honest image works afterwards", () => checkAlive(setup));
  },
});
