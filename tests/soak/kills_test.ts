/** Engines that are killed at random times. Takes minutes. */
import { strict as assert } from "node:assert";
import { STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { type Engine, startEngine, storageNeeds } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { type Holdings, holdingsOf, namesIn, pull, startSetup, stateOf, until, untilSettled } from "../engine/setup.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { killsInPulls } from "../engine/kills_in_pull.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

const PULL_KILLS = 200;
const KILLS = 20;
const START_KILLS = 60;
const LAYER_BYTES = 3_000_000;

const content = (seed: number) => Uint8Array.from({ length: LAYER_BYTES }, (_, at) => (at * at * seed) >> 7);

/** Checks that a listed image can be run, with both files complete. */
async function assertListedIsWhole(engine: Engine, reference: string): Promise<boolean> {
  const { stdout } = await engine.tsd(["images", "-q"]);
  assert.deepEqual(await namesIn(`${engine.layerRoot}/ingest`), []);
  if (stdout === "") return false;
  const command = ["wc", "-c", "/second", "/third"];
  const ran = await engine.tsd(["run", "--rm", "--network", "none", reference, ...command]);
  assert.deepEqual([ran.code, ran.stdout.match(new RegExp(`^ *${LAYER_BYTES} `, "gm"))?.length], [0, 2], ran.stderr);
  return true;
}

Deno.test(`${PULL_KILLS} random kills in pulls never break an image`, requires("root", "runc"), async () => {
  await using registry = startScriptedRegistry();
  const builder = busyboxBuilder();
  for (const [name, seed] of [["second", 7], ["third", 11]] as const) builder.layer([file(name, content(seed))]);
  const reference = registry.add("three", "1", await builder.build());
  await using engine = await startEngine();
  const whole = new Times();
  await whole.measure(() => pull(engine, reference));
  const before = performance.now();
  await engine.tsd(["rmi", reference]);
  await pull(engine, reference);
  const pullMs = performance.now() - before;
  const counts = { complete: 0, nothing: 0 };
  const restarts = new Times();
  for (let n = 0; n < PULL_KILLS; n++) {
    if ((await engine.tsd(["images", "-q"])).stdout !== "") await engine.tsd(["rmi", reference]);
    await using pulling = engine.session("tsd", ["pull", "-q", reference]);
    // Kills at random times are the point of this test.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * pullMs));
    await engine.stop("SIGKILL");
    // It would wait for the next one.
    await pulling[Symbol.asyncDispose]();
    await restarts.measure(() => engine.start());
    counts[await assertListedIsWhole(engine, reference) ? "complete" : "nothing"]++;
  }
  print("kills in pulls", `${counts.nothing} left nothing, ${counts.complete} were complete, 0 broken`);
  print("restarts after them", restarts);
  assert.ok(counts.nothing > PULL_KILLS / 10, "the kills came too late");
  await pull(engine, reference);
  assert.equal(await assertListedIsWhole(engine, reference), true);
});

for (const driver of STORAGE_DRIVERS) {
  Deno.test(
    `${driver}: ${KILLS} kills throughout a pull never break an image, and finished layers are not fetched again`,
    requires("root", "runc", ...storageNeeds(driver)),
    async () => {
      // One of them is large enough for a partial blob.
      const layerBytes = [70_000_000, 10_000_000, 3_000_000, 300_000, 20_000_000];
      const figures = await killsInPulls({ driver, kills: KILLS, layerBytes, bytesPerSecond: 50_000_000 });
      print(`${driver}: kills all over a pull`, JSON.stringify(figures));
      assert.ok(figures.incomplete > KILLS / 4, "the kills came too late");
    },
  );
}

Deno.test(`${START_KILLS} random kills in starts leave no partial container`, requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  // The first start creates directories that stay.
  assert.equal((await engine.tsd(["run", "--rm", "--network", "none", image, "true"])).code, 0);
  const before: Holdings = await holdingsOf(engine);
  const counts: Record<string, number> = {};
  for (let n = 0; n < START_KILLS; n++) {
    const name = `c${n}-x`;
    await using starting = engine.session("tsd", [
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "none",
      image,
      "sleep",
      "1000",
    ]);
    const listed = async () => (await engine.api.get(`/containers/${name}/json`)).status === 200;
    if (n % 3 > 0) await until("the container", listed);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 80));
    await engine.stop("SIGKILL");
    await starting[Symbol.asyncDispose]();
    await engine.start();
    const seen = await listed() ? await stateOf(engine, name) : undefined;
    const status = seen === undefined ? "none" : `${seen.Status} ${seen.ExitCode}`;
    counts[status] = (counts[status] ?? 0) + 1;
    if (seen?.Status === "running") assert.match(await Deno.readTextFile(`/proc/${seen.Pid}/cmdline`), /^sleep\0/);
    else if (seen !== undefined) assert.equal((await engine.tsd(["start", name])).stderr, "");
    if (seen !== undefined) assert.equal((await engine.tsd(["rm", "-f", name])).stderr, "");
    await untilSettled(engine, {
      ...before,
      host: { ...before.host, process: (await holdingsOf(engine)).host.process },
    });
  }
  print("kills in starts, and what was found", JSON.stringify(counts));
});
