import { strict as assert } from "node:assert";
import { LineLog } from "../../log.ts";
import { enginePaths } from "../paths.ts";
import type { HealthState } from "./health_monitor.ts";
import { FileHealthStore } from "./health_store.ts";

const state = (failingStreak: number): HealthState => ({
  status: "starting",
  failingStreak,
  log: [{ startMs: 1, endMs: 2, exitCode: 1, output: "ü\n" }],
});

Deno.test("health store: the last one given is the one that is found", async () => {
  const dataRoot = await Deno.makeTempDir();
  try {
    const paths = await enginePaths(dataRoot);
    const home = `${dataRoot}/containers/c1`;
    await Deno.mkdir(home, { recursive: true });
    const lines: string[] = [];
    const store = new FileHealthStore(paths, new LineLog((line) => lines.push(line)));
    assert.equal(await store.load("c1"), undefined);
    for (let streak = 0; streak < 100; streak++) store.save("c1", state(streak));
    await store.settled("c1");
    assert.deepEqual(await new FileHealthStore(paths, new LineLog(() => {})).load("c1"), state(99));
    store.save("c1", state(5));
    await store.settled("c1");
    assert.deepEqual(await store.load("c1"), state(5));
    assert.deepEqual((await Array.fromAsync(Deno.readDir(home))).map(({ name }) => name), ["health.json"]);
    // A power cut may leave anything.
    for (const text of ["", '{"status":"hea', "[1]", '"x"', "null"]) {
      await Deno.writeTextFile(`${home}/health.json`, text);
      assert.equal(await store.load("c1"), undefined, text);
    }
    // A container that is gone is no failure.
    store.save("gone", state(1));
    await store.settled("gone");
    assert.equal(await store.load("gone"), undefined);
    assert.deepEqual(lines, []);
  } finally {
    await Deno.remove(dataRoot, { recursive: true });
  }
});

Deno.test("health store: what can't be written is said and nothing else", async () => {
  const dataRoot = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    await Deno.mkdir(`${dataRoot}/containers/c1/health.json/x`, { recursive: true });
    const store = new FileHealthStore(await enginePaths(dataRoot), new LineLog((line) => lines.push(line)));
    store.save("c1", state(1));
    await store.settled("c1");
    assert.equal(lines.length, 1);
    assert.match(lines[0], /keeping a container's health failed/);
  } finally {
    await Deno.remove(dataRoot, { recursive: true });
  }
});
