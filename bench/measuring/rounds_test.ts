import { strict as assert } from "node:assert";
import type { Command } from "../contenders/contender.ts";
import { measure, type Turn } from "./rounds.ts";

const command = (program: string): Command => ({ program, args: [], env: {} });
const turn = (contender: string): Turn => ({ contender, timed: [{ row: "run", command: command(contender) }] });

Deno.test("every contender has a turn in each round, and another one begins each time", async () => {
  const order: string[] = [];
  const perform = ({ program }: Command) => Promise.resolve(order.push(program));
  await measure(["a", "b", "c"].map(turn), { rounds: 2, warmUps: 1, pauseMs: 0, perform });
  assert.equal(order.join(""), "abc" + "bca" + "cab");
});

Deno.test("warm-ups and what is done around a step do not count", async () => {
  let clockMs = 0;
  const around = { before: [command("before")], after: [command("after")] };
  const perform = () => Promise.resolve(++clockMs);
  const series = await measure([{ ...turn("a"), ...around }], { rounds: 2, warmUps: 2, pauseMs: 0, perform });
  assert.deepEqual(series, [{ row: "run", contender: "a", samplesMs: [8, 11] }]);
});

Deno.test("rows keep the order of the turns, whoever began", async () => {
  const perform = () => Promise.resolve(1);
  const series = await measure(["a", "b"].map(turn), { rounds: 1, warmUps: 1, pauseMs: 0, perform });
  assert.deepEqual(series.map(({ contender }) => contender), ["a", "b"]);
});

Deno.test("an interruption ends the rounds before the next turn", async () => {
  const stopped = new AbortController();
  const done: string[] = [];
  const perform = ({ program }: Command) => {
    stopped.abort(new Error("stopped"));
    return Promise.resolve(done.push(program));
  };
  const { signal } = stopped;
  const options = { rounds: 5, warmUps: 0, pauseMs: 0, signal, perform };
  await assert.rejects(measure(["a", "b"].map(turn), options), /stopped/);
  assert.deepEqual(done, ["a"]);
});
