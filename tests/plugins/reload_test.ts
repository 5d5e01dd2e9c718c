/**
 * Replaces plugins while containers are created and removed, and stops engines meanwhile. tests/soak has the long test.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { reloadUnderLoad } from "./reloading.ts";

/** Records exits, and delays one start: until it has answered, an engine that shuts down waits. */
const ENDS = `export default { name: "ends", apiVersion: 1, hooks: {
  "container.started": ({ name }) => name === "slow" ? new Promise((resolve) => setTimeout(resolve, 900)) : undefined,
  "container.exited": ({ name, exitCode }, { log }) => log.info(name, exitCode),
} };`;

/** Ways to stop an engine, and its log line at the beginning. */
const LEAVING: Readonly<Record<string, readonly [said: RegExp, leave: (fixture: Fixture) => Promise<unknown>]>> = {
  stop: [/ stopping /g, (fixture) => fixture.engine.restart()],
  reload: [/ reloading /g, (fixture) => fixture.tsd("daemon", "reload")],
};

scenario("plugins: reload under load", {
  "five plugins, 16 containers": async (fixture) => {
    const changes = await reloadUnderLoad(fixture, 16);
    assert.ok(changes >= 5, `${changes} changes`);
  },
  "a container's exit during the engine's shutdown is reported once": async (fixture) => {
    await Deno.writeTextFile(`${fixture.dir}/ends.js`, ENDS);
    expectResult(await fixture.tsd("plugin", "install", `${fixture.dir}/ends.js`), { stdout: "ends\n" });
    for (const [how, [said, leave]] of Object.entries(LEAVING)) {
      const started = async () => [...(await fixture.engine.log()).matchAll(said)].length;
      const before = await started();
      await fixture.background(how);
      const pid = Number((await fixture.tsd("inspect", "-f", "{{.State.Pid}}", how)).stdout);
      await fixture.background("slow");
      const left = leave(fixture);
      await fixture.until("the engine to leave", async () => await started() > before);
      Deno.kill(pid, "SIGKILL");
      await left;
      const reported = async () =>
        (await fixture.tsd("plugin", "logs", "ends")).stdout.match(new RegExp(`${how} 137$`, "gm"));
      await fixture.until("the end to be told", async () => await reported() !== null);
      assert.equal((await reported())?.length, 1);
      await fixture.remove(how, "slow");
    }
    expectResult(await fixture.tsd("plugin", "rm", "ends"), { stdout: "ends\n" });
  },
});
