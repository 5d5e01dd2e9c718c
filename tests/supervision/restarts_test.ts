/** Restart policies, with tsd and the docker CLI, against a running engine. */
import { strict as assert } from "node:assert";
import { findFdHolders } from "../../src/runtime/fd_holder_search.ts";
import { filesBelow, holdingsOf, type Setup, startSetup, until, untilSettled } from "../engine/setup.ts";
import { type ApiStream, type Engine, tracesOf } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { actionsOf, background, nowSeconds, refused, succeeded } from "./setup.ts";

const needs = requires("root", "runc", "docker");
const CLIENTS = ["tsd", "docker"] as const;

interface Inspected {
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Restarting: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
  };
}

async function inspect(engine: Engine, name: string): Promise<Inspected> {
  const answer = await engine.api.get(`/containers/${name}/json`);
  assert.equal(answer.status, 200, answer.text());
  return answer.json<Inspected>();
}

const status = async (engine: Engine, name: string) => (await inspect(engine, name)).State.Status;

/** Waits until a container is in its back-off after at least `count` restarts. */
async function untilRestarting({ engine }: Setup, name: string, count = 1): Promise<Inspected> {
  let found: Inspected | undefined;
  await until(`the back-off of ${name}`, async () => {
    found = await inspect(engine, name);
    return found.State.Restarting && found.RestartCount >= count;
  });
  return found!;
}

/** Runs briefly and fails. */
const FAILING = { command: ["sh", "-c", "echo ran; exit 3"] };

Deno.test({
  name: "restart policy: on-failure:2 runs three times, attached clients see the first run; success ends it",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    for (const client of CLIENTS) {
      const since = nowSeconds();
      const args = ["run", "--network", "none", "--name", client, "--restart", "on-failure:2", image];
      const ran = await engine[client]([...args, ...FAILING.command]);
      assert.deepEqual([ran.code, ran.stdout, ran.stderr], [3, "ran\n", ""]);
      await until("its end", async () => await status(engine, client) === "exited");
      const { RestartCount, State } = await inspect(engine, client);
      assert.deepEqual([RestartCount, State.ExitCode, State.Running], [2, 3, false]);
      const reported = (await actionsOf(engine, client, since)).filter((action) =>
        ["start", "die", "restart"].includes(action)
      );
      assert.deepEqual(reported, ["start", "die", "start", "die", "start", "die"]);
      assert.equal((await engine.tsd(["logs", client])).stdout, "ran\nran\nran\n");
      // A manual start resets the count.
      succeeded(await engine[client](["start", client]));
      await until("its end", async () => {
        const now = await inspect(engine, client);
        return now.State.Status === "exited" && now.RestartCount === 2;
      });
    }
    await background(setup, "fine", { flags: ["--restart", "on-failure"], command: ["true"] });
    await until("its end", async () => await status(engine, "fine") === "exited");
    assert.equal((await inspect(engine, "fine")).RestartCount, 0);
  },
});

Deno.test({
  name: 'restart policy: during the back-off every client sees "restarting", and stop, kill and rm -f cancel it',
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    assert.equal((await engine.tsd(["run", "--rm", "--network", "none", setup.image, "echo", "ran"])).stdout, "ran\n");
    const before = await holdingsOf(engine);
    for (const client of CLIENTS) {
      const id = await background(setup, "web", { flags: ["--restart", "always"], ...FAILING, client });
      const { State } = await untilRestarting(setup, "web", 6);
      assert.deepEqual(
        { ...State, StartedAt: "", Error: "" },
        {
          ...State,
          Status: "restarting",
          Running: true,
          Restarting: true,
          Pid: 0,
          ExitCode: 3,
          StartedAt: "",
          Error: "",
        },
      );
      assert.match(
        succeeded(await engine[client](["ps"])),
        /Restarting \(3\) Less than a second ago|Restarting \(3\) \d/,
      );
      assert.equal(
        succeeded(await engine[client](["ps", "-q", "--filter", "status=restarting"])),
        `${id.slice(0, 12)}\n`,
      );
      const words = /is restarting, wait until the container is running/;
      refused(await engine[client](["exec", "web", "true"]), words);
      refused(await engine[client](["pause", "web"]), words);
      refused(await engine[client](["top", "web"]), words);
      refused(await engine[client](["rm", "web"]), /container is restarting: stop the container before removing/);
      const attach = await engine.api.post("/containers/web/attach?stream=1&stdout=1");
      assert.equal(attach.status, 409, attach.text());
      assert.match(attach.text(), words);
      assert.equal((await engine.api.post("/containers/web/start")).status, 304);
      const end = client === "tsd" ? ["stop"] : ["kill"];
      await untilRestarting(setup, "web", 6);
      const since = nowSeconds();
      succeeded(await engine[client]([...end, "web"]));
      const after = await inspect(engine, "web");
      assert.deepEqual([after.State.Status, after.State.ExitCode, after.State.Restarting], ["exited", 3, false]);
      assert.deepEqual(await actionsOf(engine, "web", since), client === "tsd" ? ["stop"] : []);
      succeeded(await engine[client](["start", "web"]));
      await untilRestarting(setup, "web", 3);
      succeeded(await engine[client](["rm", "-f", "web"]));
    }
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "restart policy: stop and kill end it, other signals do not; restart and start reset it",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const trap = {
      command: ["sh", "-c", "trap 'echo hup' HUP; trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done"],
    };
    for (const name of ["always", "unless-stopped", "on-failure"]) {
      await background(setup, name, { flags: ["--restart", name], ...trap });
      const saysUp = (times: number) =>
        until("its traps", async () => (await engine.tsd(["logs", name])).stdout.split("up\n").length > times);
      await saysUp(1);
      for (const [n, end] of [["stop"], ["kill", "-s", "TERM"], ["kill"]].entries()) {
        succeeded(await engine.tsd([...end, name]));
        await until("its end", async () => await status(engine, name) === "exited");
        assert.equal((await inspect(engine, name)).RestartCount, 0);
        succeeded(await engine.docker(["start", name]));
        await saysUp(n + 2);
      }
      succeeded(await engine.tsd(["kill", "-s", "HUP", name]));
      await until("its answer", async () => (await engine.tsd(["logs", name])).stdout.includes("hup\n"));
      // Killed from inside, or from outside without the engine, it has exited as usual.
      Deno.kill((await inspect(engine, name)).State.Pid, "SIGKILL");
      await until("its restart", async () => {
        const now = await inspect(engine, name);
        return now.RestartCount === 1 && now.State.Status === "running";
      });
      succeeded(await engine.tsd(["restart", "-t", "0", name]));
      const now = await inspect(engine, name);
      assert.deepEqual([now.RestartCount, now.State.Status], [0, "running"]);
      succeeded(await engine.tsd(["rm", "-f", name]));
    }
  },
});

Deno.test({
  name: "restart policy: wait, with all conditions, during runs and back-offs",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const waiting = async (condition: string) => {
      const stream = await engine.api.stream("POST", `/containers/web/wait?condition=${condition}`);
      assert.equal(stream.status, 200);
      return exitCode(stream);
    };
    await background(setup, "web", { flags: ["--restart", "always"], ...FAILING });
    await untilRestarting(setup, "web", 2);
    const removed = waiting("removed");
    const { RestartCount: before } = await untilRestarting(setup, "web", 3);
    assert.deepEqual(await Promise.all([waiting("not-running"), waiting("next-exit")]), [3, 3]);
    assert.ok((await inspect(engine, "web")).RestartCount > before, "it waited for the next end");
    assert.equal(succeeded(await engine.docker(["wait", "web"])), "3\n");
    // Cancelling the restart ends the wait too.
    await untilRestarting(setup, "web", 5);
    const last = [await waitingNow(engine, "not-running"), await waitingNow(engine, "next-exit")];
    succeeded(await engine.tsd(["stop", "web"]));
    assert.deepEqual(await Promise.all(last.map(exitCode)), [3, 3]);
    assert.equal(await waiting("not-running"), 3);
    succeeded(await engine.tsd(["rm", "web"]));
    assert.equal(await removed, 3);
  },
});

const waitingNow = (engine: Engine, condition: string): Promise<ApiStream> =>
  engine.api.stream("POST", `/containers/web/wait?condition=${condition}`);

Deno.test({
  name: "restart policy: a container that cannot be restarted has exited, with the reason",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const dir = await Deno.makeTempDir({ prefix: "tsd-gone-" });
    const flags = ["--restart", "always", "--mount", `type=bind,source=${dir},target=/x`];
    succeeded(
      await engine.docker(["run", "-d", "--network", "none", "--name", "web", ...flags, setup.image, "sleep", "1000"]),
    );
    await Deno.remove(dir);
    Deno.kill((await inspect(engine, "web")).State.Pid, "SIGKILL");
    await until("its end", async () => await status(engine, "web") === "exited");
    const { State } = await inspect(engine, "web");
    assert.match(State.Error, /bind source path does not exist/);
    assert.notEqual(State.ExitCode, 0);
    assert.match(await engine.log(), /restarting a container failed/);
    succeeded(await engine.tsd(["rm", "web"]));
  },
});

Deno.test({
  name: "restart policy: invalid policies are refused with Docker's messages",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const run = ["run", "-d", "--network", "none"];
    for (const client of CLIENTS) {
      const cases: [string[], string][] = [
        [["--restart", "sometimes"], "invalid restart policy: unknown policy 'sometimes'"],
        [["--restart", "always:3"], "maximum retry count can only be used with 'on-failure'"],
        [["--restart", "on-failure:x"], "maximum retry count must be an integer"],
        [["--restart", "on-failure:-1"], "maximum retry count cannot be negative"],
        [["--restart", "always", "--rm"], "cannot specify both --restart and --rm"],
      ];
      for (const [flags, words] of cases) {
        const failed = await engine[client]([...run, ...flags, image, "true"]);
        refused(failed, words);
        assert.equal(failed.code, 125);
      }
    }
    const body = { Image: image, HostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } };
    const both = await engine.api.post("/containers/create", body);
    assert.deepEqual([both.status, both.json().message], [
      400,
      "can't create 'AutoRemove' container with restart policy",
    ]);
    assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
  },
});

Deno.test({
  name: "restart policy: a pending restart survives a killed engine; the next one starts exited containers by policy",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await background(setup, "pending", { flags: ["--restart", "always"], ...FAILING });
    for (const name of ["always", "unless-stopped", "on-failure"]) {
      await background(setup, `${name}-by-hand`, { flags: ["--restart", name], command: ["sh", "-c", "sleep 1000"] });
      await background(setup, `${name}-up`, { flags: ["--restart", name] });
      await background(setup, `${name}-killed`, { flags: ["--restart", name] });
      succeeded(await engine.tsd(["stop", "-t", "0", `${name}-by-hand`]));
    }
    await background(setup, "done", { flags: ["--restart", "on-failure"], command: ["true"] });
    const { RestartCount: before } = await untilRestarting(setup, "pending", 3);
    // A reload is no start of the engine: exited containers stay so, pending restarts continue.
    succeeded(await engine.tsd(["-H", engine.host, "daemon", "reload"]));
    await untilRestarting(setup, "pending", before + 1);
    assert.equal(await status(engine, "always-by-hand"), "exited");
    const pid = async (name: string) => (await inspect(engine, name)).State.Pid;
    const up = await Promise.all(["always-up", "unless-stopped-up", "on-failure-up"].map(pid));
    const killed = await Promise.all(["always-killed", "unless-stopped-killed", "on-failure-killed"].map(pid));
    await engine.stop("SIGKILL");
    for (const each of killed) Deno.kill(each, "SIGKILL");
    await engine.start();
    // Repeatedly: it runs only briefly.
    await untilRestarting(setup, "pending", 1);
    const runs = ["always-by-hand", "always-killed", "unless-stopped-killed", "on-failure-killed"];
    for (const name of runs) await until(`the start of ${name}`, async () => await status(engine, name) === "running");
    for (const name of ["unless-stopped-by-hand", "on-failure-by-hand", "done"]) {
      assert.equal(await status(engine, name), "exited", name);
    }
    assert.deepEqual(await Promise.all(["always-up", "unless-stopped-up", "on-failure-up"].map(pid)), up);
  },
});

Deno.test({
  name: "restart policy: after a reboot running containers run again, stopped ones only with always",
  ...needs,
  async fn() {
    // As started by a client: it starts exited containers only after a boot.
    await using setup = await startSetup({ args: ["--on-demand"] });
    const { engine } = setup;
    const { runDir } = tracesOf(engine.dataRoot);
    for (const name of ["no", "always", "unless-stopped", "on-failure"]) {
      await background(setup, name, { flags: ["--restart", name] });
      await background(setup, `${name}-by-hand`, { flags: ["--restart", name] });
      succeeded(await engine.tsd(["kill", `${name}-by-hand`]));
    }
    await engine.restart("SIGKILL");
    const now = () =>
      Promise.all(
        ["no", "always", "unless-stopped", "on-failure"].flatMap((name) =>
          [name, `${name}-by-hand`].map((each) => status(engine, each))
        ),
      );
    const atRest = ["running", "exited"];
    assert.deepEqual(await now(), [...atRest, ...atRest, ...atRest, ...atRest]);
    await reboot(setup, runDir);
    const running = (count: number) =>
      until("the starts", async () => (await now()).filter((each) => each === "running").length === count);
    await running(4);
    assert.deepEqual(await now(), [
      ...["exited", "exited"],
      ...["running", "running"],
      ...["running", "exited"],
      ...["running", "exited"],
    ]);
    // Its exit code is unknown; if it was not yet reaped, its real exit code is available.
    assert.ok([255, 137].includes((await inspect(engine, "no")).State.ExitCode));
    assert.equal((await inspect(engine, "always-by-hand")).RestartCount, 0);
    await engine.restart("SIGTERM");
    await running(4);
  },
});

/** Kills the engine and all containers at once, as a power cut does, and starts the engine with another boot ID. */
async function reboot({ engine }: Setup, runDir: string): Promise<void> {
  const listed = (await engine.api.get("/containers/json")).json<{ Id: string }[]>();
  const pids = await Promise.all(listed.map(async ({ Id }) => (await inspect(engine, Id)).State.Pid));
  await engine.stop("SIGKILL");
  for (const pid of [...findFdHolders(`${runDir}/`).map(({ pid }) => pid), ...pids]) Deno.kill(pid, "SIGKILL");
  assert.ok((await filesBelow(runDir)).includes(`${runDir}/boot-id`));
  await Deno.writeTextFile(`${runDir}/boot-id`, "another boot\n");
  await engine.start();
}

/** Reads the response and closes the connection. */
async function exitCode(stream: ApiStream | Promise<ApiStream>): Promise<number | undefined> {
  using open = await stream;
  for await (const line of open.lines()) return (JSON.parse(line) as { StatusCode: number }).StatusCode;
}
