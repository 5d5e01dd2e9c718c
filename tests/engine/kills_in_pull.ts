/** Engines that are killed at random times in a pull, and what the next one finds. */
import { strict as assert } from "node:assert";
import type { StorageDriver } from "../../src/store/drivers.ts";
import { type Engine, startEngine, storageDir } from "../harness/mod.ts";
import { busyboxBuilder, digestOf, file, type Image } from "../images/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";
import { namesIn, pull, untilNone } from "./setup.ts";

export interface KillsOptions {
  readonly driver: StorageDriver;
  readonly kills: number;
  /** Sizes of the layers' files. */
  readonly layerBytes: readonly number[];
  /** The bandwidth for each layer: low enough for a kill to fall into a pull. */
  readonly bytesPerSecond: number;
}

/** The results after a number of kills. */
export interface KillsFigures {
  /** How often the image was complete. */
  complete: number;
  /** How often it was absent. */
  incomplete: number;
  /** Layers that did not have to be fetched again. */
  retainedLayers: number;
}

interface Fixture {
  readonly engine: Engine;
  readonly registry: ScriptedRegistry;
  readonly image: Image;
  readonly reference: string;
  /** The output of `sha256sum` for all files. */
  readonly sums: string;
}

const contentOf = (seed: number, length: number) => Uint8Array.from({ length }, (_, at) => (at * at * seed) >> 7);

/** @throws AssertionError if a listed image is broken, or a finished layer was fetched again */
export async function killsInPulls(options: KillsOptions): Promise<KillsFigures> {
  await using registry = startScriptedRegistry();
  const builder = busyboxBuilder();
  const sums: string[] = [];
  for (const [n, bytes] of options.layerBytes.entries()) {
    const content = contentOf(7 + 2 * n, bytes);
    builder.layer([file(`file${n}`, content)], { compression: n % 2 === 0 ? "none" : "gzip" });
    sums.push(`${digestOf(content).slice("sha256:".length)}  /file${n}\n`);
  }
  const image = await builder.build();
  const reference = registry.add("kills", "1", image);
  await using place = await storageDir(options.driver);
  await using engine = await startEngine(place.options);
  const fixture = { engine, registry, image, reference, sums: sums.join("") };
  await pull(engine, reference);
  await startOver(fixture);
  const slow = () => registry.fail({ path: "*/blobs/*", fault: "slow", bytesPerSecond: options.bytesPerSecond });
  slow();
  const before = performance.now();
  await pull(engine, reference);
  const pullMs = performance.now() - before;
  const figures: KillsFigures = { complete: 0, incomplete: 0, retainedLayers: 0 };
  for (let n = 0; n < options.kills; n++) {
    registry.heal();
    await startOver(fixture);
    slow();
    await killAt(fixture, pullMs * (n + Math.random()) / options.kills, figures);
  }
  return figures;
}

async function startOver({ engine, reference }: Fixture): Promise<void> {
  if ((await engine.tsd(["images", "-q"])).stdout !== "") await engine.tsd(["rmi", reference]);
  await engine.tsd(["prune", "-f"]);
  assert.deepEqual(await layersOf(engine), []);
}

const layersOf = async ({ layerRoot }: Engine) => (await namesIn(`${layerRoot}/layers`)).sort();

async function killAt(fixture: Fixture, afterMs: number, figures: KillsFigures): Promise<void> {
  const { engine, registry, image, reference } = fixture;
  await using pulling = engine.session("tsd", ["pull", "-q", reference]);
  // Kills at arbitrary times are the point of this test.
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await engine.stop("SIGKILL");
  // It would wait for the next one.
  await pulling[Symbol.asyncDispose]();
  const finished = await layersOf(engine);
  registry.heal();
  await engine.start();
  // By now all requests of the killed engine have arrived.
  const requested = registry.requests.length;
  assert.deepEqual(await layersOf(engine), finished);
  await untilNone(() => namesIn(`${engine.layerRoot}/ingest`));
  if ((await engine.tsd(["images", "-q"])).stdout !== "") {
    figures.complete++;
    return await assertWhole(fixture);
  }
  figures.incomplete++;
  figures.retainedLayers += finished.length;
  await pull(engine, reference);
  await assertWhole(fixture);
  const fetched = registry.requests.slice(requested);
  for (const { blob, diffId } of image.layers) {
    const requests = fetched.filter(({ path }) => path.endsWith(`/${blob.digest}`));
    const ranges = requests.map(({ headers }) => headers.range ?? "all");
    // A large layer may exist as a complete partial blob.
    const most = finished.includes(diffId.slice("sha256:".length)) ? 0 : 1;
    assert.ok(requests.length <= most, `${ranges} of ${blob.sizeBytes} bytes, at most ${most} requests expected`);
  }
}

async function assertWhole({ engine, reference, sums }: Fixture): Promise<void> {
  const files = sums.match(/\/file\d+/g)!;
  const ran = await engine.tsd(["run", "--rm", "--network", "none", reference, "sha256sum", ...files]);
  assert.deepEqual([ran.code, ran.stderr, ran.stdout], [0, "", sums]);
}
