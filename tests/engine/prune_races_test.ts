/** Prune, again and again, while others pull, create and run: nothing that somebody uses goes, and nobody sees a 500. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { layersOnDisk, type PullRig, startPullRig } from "../pull/rig.ts";
import { requires } from "../requires.ts";

/** How long each race goes on, in ms. */
const RACE_MS = 6000;

/** Repeats `step` until the race is over, and says how often. A failure ends the race for all. */
async function repeated(race: AbortController, until: number, step: (round: number) => Promise<void>): Promise<number> {
  let round = 0;
  try {
    for (; Date.now() < until && !race.signal.aborted; round++) await step(round);
  } catch (thrown) {
    race.abort();
    throw thrown;
  }
  return round;
}

async function together(
  steps: Readonly<Record<string, (round: number) => Promise<void>>>,
): Promise<Readonly<Record<string, number>>> {
  const race = new AbortController();
  const until = Date.now() + RACE_MS;
  const entries = Object.entries(steps);
  const results = await Promise.allSettled(entries.map(([, step]) => repeated(race, until, step)));
  const counts = entries.map(([name], at) => {
    const result = results[at];
    if (result.status === "rejected") throw new Error(`${name} failed`, { cause: result.reason });
    return [name, result.value] as const;
  });
  return Object.fromEntries(counts);
}

/** All that Docker's clients can prune at once, tagged images too. */
async function pruneAll({ api }: Engine): Promise<void> {
  for (const path of ["/containers/prune", `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`]) {
    const answer = await api.post(path);
    assert.equal(answer.status, 200, answer.text());
  }
}

async function testRuns({ engine, registry }: PullRig): Promise<void> {
  const image = registry.add("race/run", "1", await busyboxBuilder().layer([file("app", "race")]).build());
  const run = async (...flags: string[]) => {
    const result = await engine.tsd(["run", "-q", "--network", "none", ...flags, image, "cat", "/app"]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  const counts = await together({
    prune: () => pruneAll(engine),
    run: async () => assert.equal(await run("--rm"), "race"),
    "run -d": async (round) => {
      const name = `detached-${round}`;
      // It ends at once, so that the container may be gone by then; its start may not be.
      assert.match(await run("-d", "--name", name), /^[0-9a-f]{64}\n$/);
    },
  });
  for (const [name, count] of Object.entries(counts)) assert.ok(count >= 2, `${name}: ${count} times`);
}

async function testApi({ engine, registry }: PullRig): Promise<void> {
  const { api } = engine;
  const image = registry.add("race/api", "1", await busyboxBuilder().layer([file("app", "race")]).build());
  const [repository] = image.split(/:(?=[^:]*$)/);
  const pull = async () => {
    const answer = await api.post(`/images/create?fromImage=${repository}&tag=1`);
    assert.deepEqual([answer.status, answer.jsonLines().at(-1)?.error], [200, undefined]);
  };
  const counts = await together({
    prune: () => pruneAll(engine),
    pull,
    "pull, create and start": async () => {
      await pull();
      const body = { Image: image, Cmd: ["cat", "/app"], HostConfig: { NetworkMode: "none" } };
      const created = await api.post("/containers/create", body);
      assert.equal(created.status, 201, created.text());
      const { Id } = created.json<{ Id: string }>();
      const started = await api.post(`/containers/${Id}/start`);
      assert.equal(started.status, 204, started.text());
    },
    "tag and rmi": async (round) => {
      const tagged = await api.post(`/images/${image}/tag?repo=race/other&tag=${round}`);
      assert.ok([201, 404].includes(tagged.status), tagged.text());
      const removed = await api.delete(`/images/race/other:${round}`);
      assert.ok([200, 404, 409].includes(removed.status), removed.text());
      const usage = await api.get("/system/df");
      assert.equal(usage.status, 200, usage.text());
    },
  });
  for (const [name, count] of Object.entries(counts)) assert.ok(count >= 2, `${name}: ${count} times`);
}

async function testRest({ engine }: PullRig): Promise<void> {
  await engine.removeContainers();
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await pruneAll(engine);
  const listed = await engine.api.get("/images/json?all=1");
  assert.deepEqual([listed.json(), await layersOnDisk(engine)], [[], []], "nothing is left behind");
}

Deno.test({
  name: "prune leaves what others are about to use",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using rig = await startPullRig();
    await test.step("runs by tsd", () => testRuns(rig));
    await test.step("pulls, creations, starts and tags by the API", () => testApi(rig));
    await test.step("and takes all that is left", () => testRest(rig));
  },
});
