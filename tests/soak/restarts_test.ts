/** Engines that are killed at random times while restart policies are active. Takes minutes. */
import { strict as assert } from "node:assert";
import {
  type Holdings,
  holdingsOf,
  namesIn,
  runDetached,
  startSetup,
  stateOf,
  until,
  untilSettled,
} from "../engine/setup.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

const KILLS = 60;
const NAMES = ["c1", "c2", "c3", "c4", "c5"];

/** Records its run, and whether it runs twice at once; then fails. */
const script = (name: string, n: number) => `
mkdir /shared/runs-${name} || echo ${name} >>/shared/twice
echo ${name} >>/shared/runs
sleep 0.${n}
rmdir /shared/runs-${name}
exit 3`;

Deno.test(
  `${KILLS} random kills between restarts: no restart is lost, none runs twice`,
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const shared = await Deno.makeTempDir({ prefix: "tsd-shared-" });
    try {
      assert.equal((await engine.tsd(["run", "--rm", "--network", "none", image, "true"])).code, 0);
      const before: Holdings = await holdingsOf(engine);
      for (const [n, name] of NAMES.entries()) {
        await runDetached(setup, script(name, n), ["--name", name, "--restart", "always", "-v", `${shared}:/shared`]);
      }
      const starts = new Times();
      const seen: Record<string, number> = {};
      for (let n = 0; n < KILLS; n++) {
        // Kills at random times are the point of this test.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 1200));
        await engine.stop("SIGKILL");
        await starts.measure(() => engine.start());
        for (const name of NAMES) {
          const { Status, Error } = await stateOf(engine, name);
          assert.ok(["running", "restarting"].includes(Status), `${name}: ${Status} ${Error}`);
          seen[Status] = (seen[Status] ?? 0) + 1;
        }
      }
      const lines = async () => (await Deno.readTextFile(`${shared}/runs`)).trimEnd().split("\n");
      const sofar = (await lines()).length;
      await until("more runs", async () => (await lines()).length >= sofar + 2 * NAMES.length, 60_000);
      assert.deepEqual((await namesIn(shared)).filter((name) => name === "twice"), []);
      print("kills between restarts", `${sofar} runs, found ${JSON.stringify(seen)}`);
      print("starts of the engine", starts);
      for (const name of NAMES) assert.equal((await engine.tsd(["rm", "-f", name])).stderr, "");
      await untilSettled(engine, {
        ...before,
        host: { ...before.host, process: (await holdingsOf(engine)).host.process },
      });
    } finally {
      await removeTree(shared);
    }
  },
);
