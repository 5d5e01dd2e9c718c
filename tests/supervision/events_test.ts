/** `GET /events`, `tsd events` and `docker events` against a running engine. */
import { strict as assert } from "node:assert";
import { namesIn, type Setup, startSetup, until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { actionsOf, type ApiEvent, background, eventsBetween, nowSeconds, succeeded } from "./setup.ts";

const needs = requires("root", "runc", "docker");

/** Makes the docker CLI's requests for a container with `--rm`. */
async function dockerRun({ engine, image }: Setup, name: string, command: readonly string[]): Promise<void> {
  const args = ["run", "--rm", "--network", "none", "--name", name, "-l", "job=nightly", image, ...command];
  const { stderr } = await engine.docker(args);
  assert.equal(stderr, "");
}

Deno.test({
  name: "events: Docker's order, with labels, codes and times",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const since = nowSeconds();
    await dockerRun(setup, "brief", ["sh", "-c", "exit 3"]);
    const id = await background(setup, "stopped", { flags: ["--rm"] });
    succeeded(await engine.docker(["stop", "-t", "1", "stopped"]));
    await until("the removal", async () => (await actionsOf(engine, "stopped", since)).includes("destroy"));

    assert.deepEqual(await actionsOf(engine, "brief", since), ["create", "attach", "start", "die", "destroy"]);
    assert.deepEqual(await actionsOf(engine, "stopped", since), [
      "create",
      "start",
      ...["kill", "kill", "die", "stop", "destroy"],
    ]);
    const events = await eventsBetween(engine, since, nowSeconds());
    const kills = events.filter(({ Action }) => Action === "kill").map(({ Actor }) => Actor.Attributes.signal);
    assert.deepEqual(kills, ["15", "9"]);
    const [brief, stopped] = events.filter(({ Action }) => Action === "die");
    assert.deepEqual(brief.Actor.Attributes, {
      exitCode: "3",
      execDuration: "0",
      image,
      name: "brief",
      job: "nightly",
    });
    assert.deepEqual([stopped.Actor.ID, stopped.id, stopped.status, stopped.from], [id, id, "die", image]);
    assert.equal(stopped.Actor.Attributes.exitCode, "137");
    assert(Math.abs(stopped.time - Date.now() / 1000) < 60);
  },
});

Deno.test({
  name: "events: exec, images, and both clients' output",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const since = "0";
    await background(setup, "web");
    await engine.docker(["exec", "web", "sh", "-c", "exit 4"]);
    succeeded(await engine.tsd(["rm", "-f", "web"]));
    succeeded(await engine.tsd(["rmi", image]));

    const at = nowSeconds();
    await new Promise((resolve) => setTimeout(resolve, 2));
    const events = await eventsBetween(engine, since, at, `&filters=${encodeURIComponent('{"type":["image"]}')}`);
    const name = image.replace(/:1$/, "");
    assert.deepEqual(events.map(({ Action }) => Action), ["pull", "untag", "delete"]);
    assert.deepEqual([events[0].Actor.ID, events[0].Actor.Attributes.name], [image, name]);
    assert.match(events[2].Actor.ID, /^sha256:/);

    const execs = ["exec_create: sh -c exit 4", "exec_start: sh -c exit 4", "exec_die"];
    for (const client of ["tsd", "docker"] as const) {
      const args = ["events", "--since", since, "--until", at, "-f", "container=web", "--format", "json"];
      const reported = succeeded(await engine[client](args)).trim().split("\n").map((line): ApiEvent =>
        JSON.parse(line)
      );
      assert.deepEqual(
        reported.map(({ Action }) => Action),
        ["create", "start", ...execs, "kill", "die", "destroy"],
        client,
      );
      assert.equal(reported[4].Actor.Attributes.exitCode, "4");
      assert.equal(reported[2].Actor.Attributes.execID, reported[4].Actor.Attributes.execID);
    }
    const line = (client: "tsd" | "docker") =>
      engine[client](["events", "--since", since, "--until", at, "-f", "event=die"]).then(succeeded);
    assert.match(
      await line("tsd"),
      /^\S+T\S+ container die [0-9a-f]{64} \(execDuration=0, exitCode=137, image=\S+, name=web\)\n$/,
    );
    assert.equal(await line("tsd"), await line("docker"));
  },
});

Deno.test({
  name: "events: the response head comes at once, filters apply, until ends the stream, a bad request is refused",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const filters = encodeURIComponent('{"type":{"container":true},"event":{"start":true},"label":{"job":true}}');
    const deadline = Math.ceil(Date.now() / 1000) + 30;
    using stream = await engine.api.stream("GET", `/events?until=${deadline}&filters=${filters}`);
    assert.equal(stream.status, 200);
    const first = (async () => {
      for await (const line of stream.lines()) return JSON.parse(line) as ApiEvent;
    })();
    await background(setup, "other");
    await background(setup, "wanted", { flags: ["-l", "job=x"] });
    assert.equal((await first)?.Actor.Attributes.name, "wanted");

    const soon = (Date.now() / 1000 + 0.3).toFixed(3);
    assert.deepEqual(await eventsBetween(engine, nowSeconds(), soon), []);
    for (
      const [query, words] of [
        ["since=2&until=1", "`since` time (2) cannot be after `until` time (1)"],
        ["since=yesterday", "invalid value for 'since'"],
        ["filters=%7B%22nope%22%3A%5B%221%22%5D%7D", "invalid filter 'nope'"],
      ]
    ) {
      const answer = await engine.api.get(`/events?${query}`);
      assert.equal(answer.status, 400);
      assert(answer.text().includes(words), answer.text());
    }
  },
});

Deno.test({
  name: "events: past events are still known after a restart and after a crash of the engine",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const since = nowSeconds();
    await background(setup, "web");
    await engine.restart();
    assert.deepEqual(await actionsOf(engine, "web", since), ["create", "start"]);
    succeeded(await engine.tsd(["rm", "-f", "web"]));
    await engine.restart("SIGKILL");
    assert.deepEqual(await actionsOf(engine, "web", since), ["create", "start", "kill", "die", "destroy"]);
  },
});

Deno.test({
  name: "events: dropped listeners leave nothing, a listener that does not read blocks no others",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const openFiles = async () => (await namesIn(`/proc/${engine.pid}/fd`)).length;
    const before = await openFiles();
    using deaf = await engine.api.stream("GET", "/events");
    assert.equal(deaf.status, 200);
    assert.equal((await engine.api.get("/info")).json().NEventsListener, 1);
    for (let round = 0; round < 10; round++) {
      const streams = await Promise.all(Array.from({ length: 20 }, () => engine.api.stream("GET", "/events?since=0")));
      for (const stream of streams) stream[Symbol.dispose]();
    }
    await background(setup, "web");
    assert.deepEqual(await actionsOf(engine, "web", "0"), ["create", "start"]);
    succeeded(await engine.tsd(["rm", "-f", "web"]));
    await until("descriptors to close", async () => await openFiles() <= before + 2);
  },
});
