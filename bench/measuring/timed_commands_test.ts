import { strict as assert } from "node:assert";
import type { Command } from "../peers/peer.ts";
import { commandTurn, execConcurrently } from "./timed_commands.ts";

const command = (program: string): Command => ({ program, args: [], env: {} });

Deno.test("commands before and after a step are not measured", async () => {
  const order: string[] = [];
  const exec = ({ program }: Command) => Promise.resolve(order.push(program));
  const steps = {
    before: [command("before")],
    timed: [{ row: "run", work: command("run") }],
    after: [command("after")],
  };
  assert.deepEqual(await commandTurn("a", steps, exec).take(), [{ row: "run", unit: "ms", value: 2 }]);
  assert.deepEqual(order, ["before", "run", "after"]);
});

Deno.test("execConcurrently runs all commands, limited to atOnce at a time", async () => {
  let [running, most] = [0, 0];
  const done: string[] = [];
  const exec = async ({ program }: Command) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return done.push(program);
  };
  const names = ["a", "b", "c", "d", "e"];
  const elapsedMs = await execConcurrently({ commands: names.map(command), atOnce: 2 }, exec);
  assert.deepEqual([done.sort(), most, elapsedMs > 0], [names, 2, true]);
});

Deno.test("execConcurrently throws a command's failure after all running commands have ended", async () => {
  let running = 0;
  const exec = async ({ program }: Command) => {
    running++;
    await new Promise((resolve) => setTimeout(resolve, program === "slow" ? 20 : 1));
    running--;
    if (program === "bad") throw new Error("bad");
    return 1;
  };
  const commands = ["bad", "slow"].map(command);
  await assert.rejects(execConcurrently({ commands, atOnce: 2 }, exec), /bad/);
  assert.equal(running, 0);
});
