import { strict as assert } from "node:assert";
import { measure, type Turn } from "./rounds.ts";

const turn = (peer: string, take: () => number): Turn => ({
  peer,
  take: () => Promise.resolve([{ row: "run", unit: "ms", value: take() }]),
});

Deno.test("each peer has a turn in each round, and the first one rotates", async () => {
  const order: string[] = [];
  const turns = ["a", "b", "c"].map((name) => turn(name, () => order.push(name)));
  await measure(turns, { rounds: 2, warmUps: 1, pauseMs: 0 });
  assert.equal(order.join(""), "abc" + "bca" + "cab");
});

Deno.test("samples of warm-up rounds are dropped", async () => {
  let clockMs = 0;
  const series = await measure([turn("a", () => ++clockMs)], { rounds: 2, warmUps: 2, pauseMs: 0 });
  assert.deepEqual(series, [{ row: "run", peer: "a", unit: "ms", samples: [3, 4] }]);
});

Deno.test("series keep the order of the turns", async () => {
  const turns = ["a", "b"].map((name) => turn(name, () => 1));
  const series = await measure(turns, { rounds: 1, warmUps: 1, pauseMs: 0 });
  assert.deepEqual(series.map(({ peer }) => peer), ["a", "b"]);
});

Deno.test("a turn may have several rows, each with its unit", async () => {
  const take: Turn["take"] = () =>
    Promise.resolve([{ row: "rate", unit: "MB/s", value: 40 }, { row: "p99", unit: "ms", value: 3 }]);
  const series = await measure([{ peer: "a", take }], { rounds: 2, warmUps: 0, pauseMs: 0 });
  assert.deepEqual(series, [
    { row: "rate", peer: "a", unit: "MB/s", samples: [40, 40] },
    { row: "p99", peer: "a", unit: "ms", samples: [3, 3] },
  ]);
});

Deno.test("an aborted signal ends the rounds before the next turn", async () => {
  const stopped = new AbortController();
  const done: string[] = [];
  const take = (name: string) => () => {
    stopped.abort(new Error("stopped"));
    return done.push(name);
  };
  const turns = ["a", "b"].map((name) => turn(name, take(name)));
  await assert.rejects(measure(turns, { rounds: 5, warmUps: 0, pauseMs: 0, signal: stopped.signal }), /stopped/);
  assert.deepEqual(done, ["a"]);
});
