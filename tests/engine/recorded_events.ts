/**
 * Engines that are killed while they are asked for one thing after another: whatever was answered, and whatever is there
 * afterwards, the events tell of, once; and a follower is told all of it.
 */
import { strict as assert } from "node:assert";
import { type Engine, startEngine } from "../harness/mod.ts";
import { startScriptedRegistry } from "../registry/mod.ts";
import { busyboxImage } from "../images/mod.ts";
import { pull, until } from "./setup.ts";

/** One event as the API gives it. */
export interface ReportedEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** All events that the engine has kept. */
export async function allEvents(engine: Engine): Promise<ReportedEvent[]> {
  const now = ((Date.now() + 1) / 1000).toFixed(3);
  const answer = await engine.api.get(`/events?since=0&until=${now}`);
  assert.equal(answer.status, 200, answer.text());
  return answer.jsonLines<ReportedEvent>();
}

/** `volume create data`, `container start ID`; networks connected and disconnected by the container. */
const keyOf = ({ Type, Action, Actor }: ReportedEvent): string => `${Type} ${Action} ${Actor.ID}`;

/** What is asked for, what was answered, and what became of it. */
class Lanes {
  readonly #engine: Engine;
  readonly #image: string;
  /** Events of which requests were answered. */
  readonly answered: string[] = [];
  /** Why others were not. */
  readonly unanswered: string[] = [];
  isOver = false;

  constructor(engine: Engine, image: string) {
    this.#engine = engine;
    this.#image = image;
  }

  async run(): Promise<void> {
    await Promise.all([this.#containers("a"), this.#containers("b"), this.#volumes(), this.#networks(), this.#tags()]);
  }

  /** False when the engine was killed before it answered, or refuses what it hasn't forgotten. */
  async #ask(
    method: string,
    path: string,
    body: unknown,
    reported: (answer: { Id: string }) => string[],
  ): Promise<boolean> {
    // Where there is no engine, or none any more, it throws whatever the kernel says of the connection.
    const answer = await this.#engine.api.request(method, path, { body }).catch((thrown: unknown) => {
      this.unanswered.push(String(thrown));
      return undefined;
    });
    if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    if (answer === undefined || answer.status >= 300) return false;
    this.answered.push(...reported(answer.body.length > 0 ? answer.json<{ Id: string }>() : { Id: "" }));
    return true;
  }

  async #turns(turn: (name: string) => Promise<void>, lane: string): Promise<void> {
    for (let n = 0; !this.isOver; n++) await turn(`${lane}${n}`);
  }

  #containers(lane: string): Promise<void> {
    return this.#turns(async (name) => {
      let id = "";
      const body = { Image: this.#image, Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "none" } };
      const isMade = await this.#ask("POST", `/containers/create?name=${name}`, body, ({ Id }) => {
        id = Id;
        return [`container create ${id}`];
      });
      if (!isMade) return;
      const step = (path: string, ...actions: string[]) =>
        this.#ask(
          "POST",
          `/containers/${id}/${path}`,
          undefined,
          () => actions.map((each) => `container ${each} ${id}`),
        );
      await step("start", "start");
      await step("pause", "pause");
      await step("unpause", "unpause");
      await step(`rename?name=${name}-renamed`, "rename");
      await step("stop?t=0", "kill", "die", "stop");
      await this.#ask("DELETE", `/containers/${id}?force=1`, undefined, () => [`container destroy ${id}`]);
    }, lane);
  }

  #volumes(): Promise<void> {
    return this.#turns(async (name) => {
      const reported = (action: string) => () => [`volume ${action} ${name}`];
      if (!await this.#ask("POST", "/volumes/create", { Name: name }, reported("create"))) return;
      await this.#ask("DELETE", `/volumes/${name}`, undefined, reported("destroy"));
    }, "volume");
  }

  #networks(): Promise<void> {
    return this.#turns(async (name) => {
      let id = "";
      const isMade = await this.#ask("POST", "/networks/create", { Name: name }, ({ Id }) => {
        id = Id;
        return [`network create ${id}`];
      });
      if (isMade) await this.#ask("DELETE", `/networks/${id}`, undefined, () => [`network destroy ${id}`]);
    }, "network");
  }

  async #tags(): Promise<void> {
    const inspected = await this.#engine.api.get(`/images/${this.#image}/json`);
    const { Id: id } = inspected.json<{ Id: string }>();
    await this.#turns(async (name) => {
      const reported = (action: string) => () => [`image ${action} ${id}`];
      if (!await this.#ask("POST", `/images/${this.#image}/tag?repo=${name}`, undefined, reported("tag"))) return;
      await this.#ask("DELETE", `/images/${name}`, undefined, reported("untag"));
    }, "tag");
  }
}

const countsOf = (keys: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

/** Each thing that is there was made, by the events, and is not gone; and the other way round. */
async function assertEventsReported(engine: Engine, events: readonly ReportedEvent[]): Promise<void> {
  const latest = new Map<string, string>();
  const made = { container: "create", volume: "create", network: "create" } as const;
  for (const { Type, Action, Actor } of events) {
    const isEnd = Action === "destroy";
    if (Type in made && (isEnd || Action === "create")) latest.set(`${Type} ${Actor.ID}`, isEnd ? "gone" : "there");
  }
  const listed = async <T>(path: string) => (await engine.api.get(path)).json<T>();
  const containers = await listed<{ Id: string; State: string }[]>("/containers/json?all=1");
  const { Volumes: volumes } = await listed<{ Volumes: { Name: string }[] }>("/volumes");
  const networks = await listed<{ Id: string; Name: string }[]>("/networks");
  const there = [
    ...containers.map(({ Id }) => `container ${Id}`),
    ...volumes.map(({ Name }) => `volume ${Name}`),
    ...networks.filter(({ Name }) => !["bridge", "host", "none"].includes(Name)).map(({ Id }) => `network ${Id}`),
  ];
  const reported = [...latest].filter(([, what]) => what === "there").map(([key]) => key);
  assert.deepEqual(reported.sort(), there.sort());
  for (const { Id, State } of containers) {
    const actions = events.filter(({ Actor }) => Actor.ID === Id).map(({ Action }) => Action);
    const state = actions.reduce((before, action) => STATES[action] ?? before, "none");
    assert.equal(state, State, `${Id}: ${actions}`);
  }
}

/** What a container is after an event. */
const STATES: Readonly<Record<string, string>> = {
  create: "created",
  start: "running",
  pause: "paused",
  unpause: "running",
  die: "exited",
};

/** How many requests were answered, and how many events were told. */
export interface ReportedFigures {
  readonly answered: number;
  readonly events: number;
}

/** Kills an engine so many times among requests of all kinds. @throws AssertionError when something was not told, or twice */
export async function killsAmongRequests(
  { kills, intervalMs }: { kills: number; intervalMs: number },
): Promise<ReportedFigures> {
  await using registry = startScriptedRegistry();
  const image = registry.add("busybox", "1", await busyboxImage());
  await using engine = await startEngine();
  await pull(engine, image);
  await using follower = engine.session("tsd", ["events", "--since", "1h", "--format", "json"], { timeoutMs: 60_000 });
  await follower.waitFor('"pull"');
  const lanes = new Lanes(engine, image);
  const running = lanes.run();
  for (let n = 0; n < kills; n++) {
    // The moment is the point of this test.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * intervalMs));
    await engine.stop("SIGKILL");
    const answered = [...lanes.answered];
    await engine.start();
    const events = await allEvents(engine);
    const reported = countsOf(events.map(keyOf));
    const untold = [...countsOf(answered)].filter(([key, count]) => (reported.get(key) ?? 0) < count);
    assert.deepEqual(untold, []);
  }
  lanes.isOver = true;
  await running;
  const events = await allEvents(engine);
  await assertEventsReported(engine, events);
  const shown = () => follower.stdout.split("\n").slice(0, -1);
  await until("the follower", () => shown().length >= events.length);
  assert.deepEqual(shown().map((line) => keyOf(JSON.parse(line))), events.map(keyOf));
  return { answered: lanes.answered.length, events: events.length };
}
