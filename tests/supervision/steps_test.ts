/** pause, unpause, rename, restart, top and wait, with tsd and the docker CLI, against a running engine. */
import { strict as assert } from "node:assert";
import { type Setup, startSetup, stateOf, until } from "../engine/setup.ts";
import { type ApiStream, runCommand, tracesOf } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { actionsOf, background, nowSeconds, refused, succeeded } from "./setup.ts";

const needs = requires("root", "runc", "docker");

/** Counts in its log. */
const COUNTING = { command: ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"] };

async function logSize({ engine }: Setup, name: string): Promise<number> {
  return succeeded(await engine.tsd(["logs", name])).length;
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test({
  name: "pause: nothing runs until unpause; requests that need a process are refused with Docker's messages",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await background(setup, "web", COUNTING);
    await until("output", async () => await logSize(setup, "web") > 0);
    for (const client of ["tsd", "docker"] as const) {
      assert.equal(succeeded(await engine[client](["pause", "web"])), "web\n");
      await after(100);
      const before = await logSize(setup, "web");
      await after(300);
      assert.equal(await logSize(setup, "web"), before, "it goes on");
      const state = await stateOf(engine, "web") as unknown as Record<string, unknown>;
      assert.deepEqual([state.Status, state.Running, state.Paused], ["paused", true, true]);
      assert.match(succeeded(await engine[client](["ps"])), /Up .* \(Paused\)/);
      refused(await engine[client](["pause", "web"]), `Container ${id} is already paused`);
      refused(
        await engine[client](["exec", "web", "true"]),
        "Container web is paused, unpause the container before exec",
      );
      refused(
        await engine[client](["rm", "web"]),
        'cannot remove container "web": container is paused and must be unpaused first',
      );
      const attach = await engine.api.post("/containers/web/attach?stream=1&stdout=1");
      assert.deepEqual([attach.status, attach.json().message], [
        409,
        "container web is paused, unpause the container before attach",
      ]);
      const start = await engine.api.post("/containers/web/start");
      assert.deepEqual([start.status, start.json().message], [
        409,
        "cannot start a paused container, try unpause instead",
      ]);
      assert.equal(succeeded(await engine[client](["unpause", "web"])), "web\n");
      await until("more output", async () => await logSize(setup, "web") > before);
      refused(await engine[client](["unpause", "web"]), `Container ${id} is not paused`);
    }
    succeeded(await engine.tsd(["kill", "web"]));
    refused(await engine.tsd(["pause", "web"]), `container ${id} is not running`);
  },
});

Deno.test({
  name: "pause: stop, kill, restart and rm -f end a paused container; info counts it",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const trap = { command: ["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done"] };
    await background(setup, "stopped", trap);
    const ends: [string, string[], number][] = [
      ["stopped", ["stop", "-t", "5"], 5],
      ["stopped", ["kill"], 137],
      ["stopped", ["kill", "-s", "TERM"], 5],
    ];
    for (const [name, command, exitCode] of ends) {
      succeeded(await engine.tsd(["start", name]));
      await after(100);
      const since = nowSeconds();
      succeeded(await engine.tsd(["pause", name]));
      const info = (await engine.api.get("/info")).json();
      assert.deepEqual([info.ContainersRunning, info.ContainersPaused], [0, 1]);
      succeeded(await engine.docker([...command, name]));
      await until("its end", async () => (await stateOf(engine, name)).Status === "exited");
      assert.equal((await stateOf(engine, name)).ExitCode, exitCode, command.join(" "));
      const reported = await actionsOf(engine, name, since);
      assert.deepEqual(reported.slice(0, 2), ["pause", "kill"]);
    }
    succeeded(await engine.tsd(["start", "stopped"]));
    succeeded(await engine.tsd(["pause", "stopped"]));
    succeeded(await engine.tsd(["restart", "-t", "5", "stopped"]));
    assert.equal((await stateOf(engine, "stopped")).Status, "running");
    succeeded(await engine.tsd(["pause", "stopped"]));
    succeeded(await engine.docker(["rm", "-f", "stopped"]));
  },
});

Deno.test({
  name: "pause: a paused container is still paused for the next engine, even if the pause was not recorded",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await background(setup, "web", COUNTING);
    succeeded(await engine.tsd(["pause", "web"]));
    await engine.restart("SIGKILL");
    assert.equal((await stateOf(engine, "web")).Status, "paused");
    succeeded(await engine.tsd(["unpause", "web"]));
    const before = await logSize(setup, "web");
    await until("more output", async () => await logSize(setup, "web") > before);

    await engine.stop("SIGKILL");
    succeeded(await runCommand("runc", ["--root", `${tracesOf(engine.dataRoot).runDir}/runc`, "pause", id]));
    await engine.start();
    assert.equal((await stateOf(engine, "web")).Status, "paused");
    succeeded(await engine.tsd(["rm", "-f", "web"]));
  },
});

Deno.test({
  name: "rename: atomic",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await background(setup, "one");
    const other = await background(setup, "two");
    const since = nowSeconds();
    for (const client of ["tsd", "docker"] as const) {
      succeeded(await engine[client](["rename", "one", "three"]));
      refused(
        await engine[client](["rename", "three", "two"]),
        `The container name "/two" is already in use by container "${other}"`,
      );
      refused(
        await engine[client](["rename", "three", "three"]),
        "Renaming a container with the same name as its current name",
      );
      refused(await engine[client](["rename", "nobody", "x1"]), "No such container: nobody");
      assert.equal((await engine.api.get("/containers/three/json")).json().Id, id);
      assert.equal((await engine.api.get("/containers/one/json")).status, 404);
      succeeded(await engine[client](["rename", id.slice(0, 12), "one"]));
    }
    assert.deepEqual(await actionsOf(engine, "three", since), ["rename", "rename"]);
    const racing = await Promise.all(
      ["one", "two"].map((name) => engine.api.post(`/containers/${name}/rename?name=same`)),
    );
    assert.deepEqual(racing.map(({ status }) => status).toSorted(), [204, 409]);
    await engine.restart();
    assert.equal((await engine.api.get("/containers/same/json")).status, 200);
  },
});

Deno.test({
  name: "restart: stops and starts, keeps a container with --rm, starts a stopped one",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await background(setup, "web", { flags: ["--rm"] });
    const since = nowSeconds();
    const { Pid: before } = await stateOf(engine, "web");
    for (const client of ["tsd", "docker"] as const) {
      assert.equal(succeeded(await engine[client](["restart", "-t", "0", "web"])), "web\n");
    }
    const { Pid: now, Status } = await stateOf(engine, "web");
    assert.equal(Status, "running");
    assert.notEqual(now, before);
    const once = ["kill", "kill", "die", "stop", "start", "restart"];
    assert.deepEqual(await actionsOf(engine, "web", since), [...once, ...once]);
    succeeded(await engine.tsd(["stop", "-t", "0", "web"]));
    await until("its removal", async () => (await engine.api.get("/containers/web/json")).status === 404);
    succeeded(await engine.tsd(["create", "--network", "none", "--name", "late", setup.image, "sleep", "1000"]));
    succeeded(await engine.docker(["restart", "late"]));
    assert.equal((await stateOf(engine, "late")).Status, "running");
    refused(await engine.tsd(["restart", "nobody"]), "No such container: nobody");
  },
});

Deno.test({
  name: "stop: a negative timeout means no timeout, as in Docker",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const slow = ["sh", "-c", "trap 'sleep 0.5; exit 4' TERM; echo up; while :; do sleep 0.05; done"];
    for (const client of ["tsd", "docker"] as const) {
      await background(setup, client, { command: slow, flags: ["--stop-timeout", "-5"], client });
      await until("its trap", async () => await logSize(setup, client) > 0);
      succeeded(await engine[client](["stop", client]));
      assert.equal((await stateOf(engine, client)).ExitCode, 4);
    }
  },
});

Deno.test({
  name: "top: only the container's processes, with any columns of ps",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await background(setup, "web", { command: ["sh", "-c", "sleep 1001 & sleep 1002; :"] });
    for (const client of ["tsd", "docker"] as const) {
      let lines: string[] = [];
      await until("both sleeps", async () => {
        lines = succeeded(await engine[client](["top", "web"])).trimEnd().split("\n");
        return lines.length === 4;
      });
      assert.match(lines[0], /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
      const commands = lines.slice(1).map((line) => line.trimEnd().replace(/^.*00:00:\d\d +/, "")).toSorted();
      assert.deepEqual(commands, ["sh -c sleep 1001 & sleep 1002; :", "sleep 1001", "sleep 1002"]);
      const columns = succeeded(await engine[client](["top", "web", "-o", "pid,comm"])).trimEnd().split("\n");
      assert.deepEqual([columns[0].trim().split(/ +/), columns.length], [["PID", "COMMAND"], 4]);
      refused(await engine[client](["top", "web", "--nonsense"]), "ps: error: unknown gnu long option");
    }
    const table = (client: "tsd" | "docker") => engine[client](["top", "web", "-o", "pid,args"]).then(succeeded);
    assert.equal(await table("docker"), await table("tsd"));
    succeeded(await engine.tsd(["kill", "web"]));
    refused(await engine.tsd(["top", "web"]), /container [0-9a-f]{64} is not running/);
  },
});

Deno.test({
  name: "wait: every condition, before, during and after the exit",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const waiting = async (name: string, condition: string) => {
      const stream = await engine.api.stream("POST", `/containers/${name}/wait?condition=${condition}`);
      return { status: stream.status, code: exitCode(stream) };
    };
    await background(setup, "kept", { command: ["sh", "-c", "sleep 0.3; exit 6"] });
    for (
      const { status, code } of await Promise.all(["not-running", "next-exit"].map((each) => waiting("kept", each)))
    ) {
      assert.deepEqual([status, await code], [200, 6]);
    }
    assert.equal(await (await waiting("kept", "not-running")).code, 6, "it has ended already");
    const next = await waiting("kept", "next-exit");
    succeeded(await engine.tsd(["start", "kept"]));
    assert.equal(await next.code, 6);
    const removed = await waiting("kept", "removed");
    succeeded(await engine.tsd(["rm", "kept"]));
    assert.equal(await removed.code, 6);

    await background(setup, "brief", { command: ["sh", "-c", "sleep 0.2; exit 7"], flags: ["--rm"] });
    assert.equal(await (await waiting("brief", "removed")).code, 7);
    const vanished = await engine.api.post("/containers/brief/wait?condition=removed");
    assert.deepEqual([vanished.status, vanished.json().message], [404, "No such container: brief"]);
    assert.equal((await engine.api.post("/containers/brief/wait?condition=never")).status, 400);
  },
});

/** Reads the response and closes the connection. */
async function exitCode(stream: ApiStream): Promise<number | undefined> {
  using _open = stream;
  for await (const line of stream.lines()) return (JSON.parse(line) as { StatusCode: number }).StatusCode;
}
