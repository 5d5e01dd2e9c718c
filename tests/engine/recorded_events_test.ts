/** An engine is killed right after its answer: the next one tells of what was done all the same. */
import { strict as assert } from "node:assert";
import type { ApiResponse, Engine } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { type Setup, startSetup, stateOf, until } from "./setup.ts";
import { allEvents, killsAmongRequests } from "./recorded_events.ts";

const needs = requires("root", "runc");

/** A request and the events that it stands for; what it gave is passed on to the later ones. */
interface Step {
  readonly reported: readonly string[];
  readonly ask: (engine: Engine, setup: Setup) => Promise<ApiResponse>;
}

const post = (path: string, body?: unknown) => (engine: Engine) => engine.api.post(path, body);
const remove = (path: string) => (engine: Engine) => engine.api.delete(path);

/** Of one container, in its order. */
const STEPS: readonly Step[] = [
  { reported: ["volume create data"], ask: post("/volumes/create", { Name: "data" }) },
  { reported: ["network create net"], ask: post("/networks/create", { Name: "net" }) },
  {
    reported: ["container create web"],
    ask: (engine, { image }) =>
      engine.api.post("/containers/create?name=web", {
        ...{ Image: image, Cmd: ["sleep", "1000"] },
        HostConfig: { NetworkMode: "net", Binds: ["data:/data"] },
      }),
  },
  { reported: ["network connect net", "volume mount data", "container start web"], ask: post("/containers/web/start") },
  { reported: ["container pause web"], ask: post("/containers/web/pause") },
  { reported: ["container unpause web"], ask: post("/containers/web/unpause") },
  { reported: ["container update web"], ask: post("/containers/web/update", { Memory: 64 << 20, MemorySwap: -1 }) },
  { reported: ["container top web"], ask: (engine) => engine.api.get("/containers/web/top") },
  {
    reported: ["container exec_create: true  web"],
    ask: post("/containers/web/exec", { Cmd: ["true"] }),
  },
  { reported: ["container kill web"], ask: post("/containers/web/kill?signal=CONT") },
  { reported: ["network disconnect net"], ask: post("/networks/net/disconnect", { Container: "web" }) },
  { reported: ["network connect net"], ask: post("/networks/net/connect", { Container: "web" }) },
  { reported: ["container rename box"], ask: post("/containers/web/rename?name=box") },
  {
    reported: ["container kill box", "container die box", "container stop box"],
    ask: post("/containers/box/stop?t=0"),
  },
  { reported: ["container destroy box"], ask: remove("/containers/box") },
  { reported: ["volume destroy data"], ask: remove("/volumes/data") },
  { reported: ["network destroy net"], ask: remove("/networks/net") },
  {
    reported: ["image tag again:latest"],
    ask: (engine, { image }) => engine.api.post(`/images/${image}/tag?repo=again`),
  },
  { reported: ["image untag"], ask: remove("/images/again") },
  { reported: ["volume prune "], ask: post("/volumes/prune") },
];

Deno.test({
  name: "events: each kind of step is told by the next engine when the engine is killed right after its answer",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await using follower = engine.session("tsd", ["events", "--since", "1h", "--format", "{{.Type}} {{.Action}}"]);
    await follower.waitFor("image pull");
    for (const [at, { reported, ask }] of STEPS.entries()) {
      const before = (await allEvents(engine)).length;
      const answer = await ask(engine, setup);
      await engine.stop("SIGKILL");
      assert.ok(answer.status < 300, `${reported}: ${answer.status} ${answer.text()}`);
      await engine.start();
      const events = (await allEvents(engine)).slice(before);
      const words = events.map(({ Type, Action, Actor: { ID, Attributes: { name = ID } } }) =>
        `${Type} ${Action} ${Type === "image" && Action === "untag" ? "" : name}`.trimEnd()
      );
      for (const each of reported) assert.ok(words.includes(each.trimEnd()), `${at}: ${reported} is not in ${words}`);
    }
    const all = (await allEvents(engine)).map(({ Type, Action }) => `${Type} ${Action}`);
    const shown = () => follower.stdout.split("\n").slice(0, -1);
    await until("the follower", () => shown().length >= all.length);
    assert.deepEqual(shown(), all);
  },
});

Deno.test({
  name: "events: a stop under way when the engine is killed is told once, whoever finishes it",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const run = async (name: string, script: string) => {
      const command = ["run", "-d", "--network", "none", "--name", name, image, "sh", "-c", script];
      assert.equal((await engine.tsd(command)).code, 0);
    };
    const actions = async (name: string) =>
      (await allEvents(engine)).filter(({ Actor }) => Actor.Attributes.name === name).map(({ Action }) => Action);
    // The one ends by itself while no engine is there; tsd's client asks again for the end of the other.
    await run("ends", "trap 'sleep 1; exit 0' TERM; touch /trapped; while :; do usleep 1000; done");
    await run("stays", "trap '' TERM; touch /trapped; while :; do usleep 1000; done");
    for (const name of ["ends", "stays"]) {
      await until("its trap", async () => (await engine.tsd(["exec", name, "test", "-e", "/trapped"])).code === 0);
    }
    const { Pid: pid } = await stateOf(engine, "ends");
    const requested = engine.api.post("/containers/ends/stop?t=60").then(() => false, () => true);
    await using stopping = engine.session("tsd", ["-H", engine.host, "stop", "-t", "2", "stays"]);
    const isKilled = async (name: string) => (await actions(name)).includes("kill");
    await until("the signals", async () => await isKilled("ends") && await isKilled("stays"));
    await engine.stop("SIGKILL");
    assert.equal(await requested, true);
    await until("its end", () => Deno.stat(`/proc/${pid}`).then(() => false, () => true));
    await engine.start();
    assert.equal((await stopping.wait()).code, 0);
    for (const name of ["ends", "stays"]) {
      await until("the end", async () => (await stateOf(engine, name)).Status === "exited");
      const reported = await actions(name);
      assert.deepEqual(
        reported.filter((action) => ["die", "stop"].includes(action)),
        ["die", "stop"],
        `${name}: ${reported}`,
      );
    }
  },
});

Deno.test({
  name: "events: whatever was answered or is there after kills at random moments was told, once",
  ...needs,
  fn: async () => void await killsAmongRequests({ kills: 5, intervalMs: 700 }),
});
