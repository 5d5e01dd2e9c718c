/** Plugins that are replaced while containers come and go, and engines that leave meanwhile. The long one is in tests/soak. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "../cli/setup.ts";
import { reloadUnderLoad } from "./reloading.ts";

/** Writes down ends, and takes its time for one start: until it has answered an engine that leaves waits. */
const ENDS = `export default { name: "ends", apiVersion: 1, hooks: {
  "container.started": ({ name }) => name === "slow" ? new Promise((resolve) => setTimeout(resolve, 900)) : undefined,
  "container.exited": ({ name, exitCode }, { log }) => log.info(name, exitCode),
} };`;

/** How an engine leaves, and what it says when it has begun. */
const LEAVING: Readonly<Record<string, readonly [said: RegExp, leave: (world: World) => Promise<unknown>]>> = {
  stop: [/ stopping /g, (world) => world.engine.restart()],
  reload: [/ reloading /g, (world) => world.tsd("daemon", "reload")],
};

scenario("plugins: reload under load", {
  "five plugins, 16 containers": async (world) => {
    const changes = await reloadUnderLoad(world, 16);
    assert.ok(changes >= 5, `${changes} changes`);
  },
  "a container's end that falls into the engine's own is told once": async (world) => {
    await Deno.writeTextFile(`${world.folder}/ends.js`, ENDS);
    expectResult(await world.tsd("plugin", "install", `${world.folder}/ends.js`), { stdout: "ends\n" });
    for (const [how, [said, leave]] of Object.entries(LEAVING)) {
      const begun = async () => [...(await world.engine.log()).matchAll(said)].length;
      const before = await begun();
      await world.background(how);
      const pid = Number((await world.tsd("inspect", "-f", "{{.State.Pid}}", how)).stdout);
      await world.background("slow");
      const left = leave(world);
      await world.until("the engine to leave", async () => await begun() > before);
      Deno.kill(pid, "SIGKILL");
      await left;
      const told = async () =>
        (await world.tsd("plugin", "logs", "ends")).stdout.match(new RegExp(`${how} 137$`, "gm"));
      await world.until("the end to be told", async () => await told() !== null);
      assert.equal((await told())?.length, 1);
      await world.remove(how, "slow");
    }
    expectResult(await world.tsd("plugin", "rm", "ends"), { stdout: "ends\n" });
  },
});
