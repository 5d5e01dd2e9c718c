import { strict as assert } from "node:assert";
import type { Command } from "../peers/peer.ts";
import { commandTurn, performCrowd } from "./timed_commands.ts";

const command = (program: string): Command => ({ program, args: [], env: {} });

Deno.test("what is done around a step does not count", async () => {
  const order: string[] = [];
  const perform = ({ program }: Command) => Promise.resolve(order.push(program));
  const steps = {
    before: [command("before")],
    timed: [{ row: "run", work: command("run") }],
    after: [command("after")],
  };
  assert.deepEqual(await commandTurn("a", steps, perform).take(), [{ row: "run", unit: "ms", value: 2 }]);
  assert.deepEqual(order, ["before", "run", "after"]);
});

Deno.test("a crowd runs all its commands, no more at once than it may", async () => {
  let [running, most] = [0, 0];
  const done: string[] = [];
  const perform = async ({ program }: Command) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return done.push(program);
  };
  const names = ["a", "b", "c", "d", "e"];
  const elapsedMs = await performCrowd({ commands: names.map(command), atOnce: 2 }, perform);
  assert.deepEqual([done.sort(), most, elapsedMs > 0], [names, 2, true]);
});

Deno.test("a crowd's failure is that of its command, and nobody is left running", async () => {
  let running = 0;
  const perform = async ({ program }: Command) => {
    running++;
    await new Promise((resolve) => setTimeout(resolve, program === "slow" ? 20 : 1));
    running--;
    if (program === "bad") throw new Error("bad");
    return 1;
  };
  const commands = ["bad", "slow"].map(command);
  await assert.rejects(performCrowd({ commands, atOnce: 2 }, perform), /bad/);
  assert.equal(running, 0);
});
