/** Prunes repeatedly while other clients pull, create, run, tag and remove: the races of prune. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { layersOnDisk, type PullSetup } from "../pull/setup.ts";

/** A repeated request; `round` counts from 0. */
type Step = (round: number) => Promise<void>;

/** Repeats all steps concurrently for that long, and returns how often each ran. A failure ends them all. */
async function together(raceMs: number, steps: Readonly<Record<string, Step>>): Promise<Record<string, number>> {
  const race = new AbortController();
  const until = Date.now() + raceMs;
  const repeated = async (step: Step) => {
    let round = 0;
    try {
      for (; Date.now() < until && !race.signal.aborted; round++) await step(round);
    } catch (thrown) {
      race.abort();
      throw thrown;
    }
    return round;
  };
  const entries = Object.entries(steps);
  const results = await Promise.allSettled(entries.map(([, step]) => repeated(step)));
  const counts = entries.map(([name], at) => {
    const result = results[at];
    if (result.status === "rejected") throw new Error(`${name} failed`, { cause: result.reason });
    assert.ok(result.value >= 2, `${name}: ${result.value} times`);
    return [name, result.value] as const;
  });
  return Object.fromEntries(counts);
}

/** Prunes all that Docker's clients can, including tagged images. */
async function pruneAll({ api }: Engine): Promise<void> {
  for (const path of ["/containers/prune", `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`]) {
    const answer = await api.post(path);
    assert.equal(answer.status, 200, answer.text());
  }
}

async function added({ registry }: PullSetup, name: string): Promise<string> {
  return registry.add(name, "1", await busyboxBuilder().layer([file("app", "race")]).build());
}

/** Races prune with tsd's client, which runs an image that is missing or was pruned. */
export async function raceWithRuns(setup: PullSetup, raceMs: number): Promise<Record<string, number>> {
  const { engine } = setup;
  const image = await added(setup, "race/run");
  const run = async (...flags: string[]) => {
    const result = await engine.tsd(["run", "-q", "--network", "none", ...flags, image, "cat", "/app"]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  return await together(raceMs, {
    prune: () => pruneAll(engine),
    run: async () => assert.equal(await run("--rm"), "race"),
    // It exits at once, so the container may be removed by then; its start must have succeeded.
    "run -d": async (round) => assert.match(await run("-d", "--name", `detached-${round}`), /^[0-9a-f]{64}\n$/),
  });
}

/** Races prune with pulls, creations, starts, tags and sizes through the API, as fast as it answers. */
export async function raceWithRequests(setup: PullSetup, raceMs: number): Promise<Record<string, number>> {
  const { api } = setup.engine;
  const image = await added(setup, "race/api");
  return await together(raceMs, {
    prune: () => pruneAll(setup.engine),
    pull: () => pull(setup, image),
    "pull, create and start": async () => {
      await pull(setup, image);
      assert.equal(await createAndStart(setup, image), 201);
    },
    "tag, rmi and df": async (round) => {
      const tagged = await api.post(`/images/${image}/tag?repo=race/other&tag=${round}`);
      assert.ok([201, 404].includes(tagged.status), tagged.text());
      const removed = await api.delete(`/images/race/other:${round}`);
      assert.ok([200, 404, 409].includes(removed.status), removed.text());
      const usage = await api.get("/system/df");
      assert.equal(usage.status, 200, usage.text());
    },
  });
}

/** Races prune with forced removals of the image by name, which may precede a creation, but never fall into it. */
export async function raceWithRemovals(setup: PullSetup, raceMs: number): Promise<Record<string, number>> {
  const { api } = setup.engine;
  const image = await added(setup, "race/rmi");
  return await together(raceMs, {
    "rmi -f": async () => {
      const removed = await api.delete(`/images/${image}?force=1`);
      assert.ok([200, 404, 409].includes(removed.status), removed.text());
    },
    "pull, create and start": async () => {
      await pull(setup, image);
      assert.ok([201, 404].includes(await createAndStart(setup, image)));
    },
    prune: () => pruneAll(setup.engine),
  });
}

/** Removes everything, and checks that nothing is left. */
export async function pruneRest({ engine }: PullSetup): Promise<void> {
  await engine.removeContainers();
  await pruneAll(engine);
  const listed = await engine.api.get("/images/json?all=1");
  assert.deepEqual([listed.json(), await layersOnDisk(engine)], [[], []]);
}

async function pull({ engine: { api } }: PullSetup, image: string): Promise<void> {
  const [, repository, tag] = /^(.*):([^:]*)$/.exec(image)!;
  const answer = await api.post(`/images/create?fromImage=${repository}&tag=${tag}`);
  assert.deepEqual([answer.status, answer.jsonLines().at(-1)?.error], [200, undefined]);
}

/** Returns the status of the creation; checks that a created container can be started. */
async function createAndStart({ engine: { api } }: PullSetup, image: string): Promise<number> {
  const body = { Image: image, Cmd: ["cat", "/app"], HostConfig: { NetworkMode: "none" } };
  const created = await api.post("/containers/create", body);
  if (created.status !== 201) return created.status;
  const started = await api.post(`/containers/${created.json<{ Id: string }>().Id}/start`);
  assert.equal(started.status, 204, started.text());
  return created.status;
}
