/** Health checks and their consequences, with tsd and the docker CLI, against a running engine. */
import { strict as assert } from "node:assert";
import { holdingsOf, type Setup, startSetup, until, untilSettled } from "../engine/setup.ts";
import type { Engine } from "../harness/mod.ts";
import { busyboxBuilder } from "../images/mod.ts";
import { pull } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { actionsOf, background, nowSeconds, refused, succeeded } from "./setup.ts";

const needs = requires("root", "runc", "docker");
const CLIENTS = ["tsd", "docker"] as const;

interface Inspected {
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Health?: {
      readonly Status: string;
      readonly FailingStreak: number;
      readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[];
    };
  };
}

async function inspect(engine: Engine, name: string): Promise<Inspected> {
  const answer = await engine.api.get(`/containers/${name}/json`);
  assert.equal(answer.status, 200, answer.text());
  return answer.json<Inspected>();
}

const healthOf = async (engine: Engine, name: string) => (await inspect(engine, name)).State.Health?.Status;

async function untilHealth({ engine }: Setup, name: string, status: string): Promise<void> {
  await until(`${name} to be ${status}`, async () => await healthOf(engine, name) === status);
}

const QUICK = ["--health-interval", "100ms", "--health-retries", "2"];
/** Healthy while /well exists, which it does at first. */
const PATIENT = {
  command: ["sh", "-c", "touch /well; trap 'exit 5' TERM; while :; do sleep 0.05; done"],
  flags: ["--health-cmd", "echo looked; test -e /well", ...QUICK],
};

Deno.test({
  name: "health: starting, healthy, unhealthy and back, in inspect, ps and events; not probed while paused",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    for (const client of CLIENTS) {
      const since = nowSeconds();
      const flags = ["--health-cmd", "test -e /well", "--health-interval", "30s"];
      await background(setup, "early", { client, flags });
      assert.equal(await healthOf(engine, "early"), "starting");
      assert.match(succeeded(await engine[client](["ps"])), /Up [^\n]* \(health: starting\)/);
      await background(setup, "web", { client, ...PATIENT });
      await untilHealth(setup, "web", "healthy");
      assert.match(succeeded(await engine[client](["ps", "--filter", "health=healthy"])), /Up [^\n]* \(healthy\)/);
      succeeded(await engine[client](["exec", "web", "rm", "/well"]));
      await untilHealth(setup, "web", "unhealthy");
      assert.match(succeeded(await engine[client](["ps", "--filter", "name=web"])), /\(unhealthy\)/);
      const { Health } = (await inspect(engine, "web")).State;
      assert.ok(Health!.FailingStreak >= 2);
      assert.deepEqual([Health!.Log.at(-1)!.ExitCode, Health!.Log.at(-1)!.Output], [1, "looked\n"]);
      succeeded(await engine[client](["exec", "web", "touch", "/well"]));
      await untilHealth(setup, "web", "healthy");
      succeeded(await engine[client](["pause", "web"]));
      const paused = JSON.stringify((await inspect(engine, "web")).State.Health);
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal(JSON.stringify((await inspect(engine, "web")).State.Health), paused);
      succeeded(await engine[client](["unpause", "web"]));
      await until("the next probe", async () => JSON.stringify((await inspect(engine, "web")).State.Health) !== paused);
      const reported = (await actionsOf(engine, "web", since)).filter((action) => action.startsWith("health_status"));
      assert.deepEqual(reported, ["health_status: healthy", "health_status: unhealthy", "health_status: healthy"]);
      succeeded(await engine[client](["stop", "web"]));
      assert.equal(await healthOf(engine, "web"), "unhealthy");
      succeeded(await engine[client](["start", "web"]));
      await untilHealth(setup, "web", "healthy");
      succeeded(await engine[client](["rm", "-f", "web", "early"]));
    }
  },
});

Deno.test({
  name: "health: a probe that times out is killed, one that cannot be run has failed, and nothing is left",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    succeeded(await engine.tsd(["run", "--rm", "--network", "none", setup.image, "true"]));
    const before = await holdingsOf(engine);
    const hanging = ["--health-cmd", "sleep 1001 & sleep 1002", "--health-timeout", "200ms", ...QUICK];
    await background(setup, "late", { flags: hanging });
    await untilHealth(setup, "late", "unhealthy");
    const { Log } = (await inspect(engine, "late")).State.Health!;
    assert.deepEqual([Log[0]!.ExitCode, Log[0]!.Output], [-1, "Health check exceeded timeout (200ms)"]);
    await background(setup, "nothing", { flags: ["--health-cmd", "no-such-program", ...QUICK] });
    await untilHealth(setup, "nothing", "unhealthy");
    assert.match((await inspect(engine, "nothing")).State.Health!.Log[0]!.Output, /not found/);
    succeeded(await engine.docker(["rm", "-f", "late", "nothing"]));
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "health: the image's check, overridden by a flag, and disabled",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine, registry } = setup;
    const Healthcheck = { Test: ["CMD-SHELL", "test -e /well"], Interval: 100_000_000, Retries: 2 };
    const image = registry.add("checked", "1", await busyboxBuilder().config({ Healthcheck }).build());
    await pull(engine, image);
    const checked = { engine, image };
    await background(checked, "own", {});
    await untilHealth(setup, "own", "unhealthy");
    await background(checked, "over", { flags: ["--health-cmd", "true"], client: "docker" });
    await untilHealth(setup, "over", "healthy");
    for (const client of CLIENTS) {
      await background(checked, client, { flags: ["--no-healthcheck"], client });
      assert.equal(await healthOf(engine, client), undefined);
      assert.doesNotMatch(succeeded(await engine[client](["ps", "--filter", `name=${client}`])), /health/);
      const both = await engine[client](["run", "--no-healthcheck", "--health-cmd", "true", image]);
      refused(both, "--no-healthcheck conflicts with --health-* options");
    }
  },
});

Deno.test({
  name: "health: --health-on-failure none, kill, restart and stop, alone and with a restart policy",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    const sick = (action: string, more: string[] = []) => ({
      ...PATIENT,
      flags: ["--health-cmd", "false", ...QUICK, "--health-on-failure", action, ...more],
    });
    await background(setup, "none", sick("none"));
    await background(setup, "kill", sick("kill"));
    await background(setup, "kill-always", sick("kill", ["--restart", "always"]));
    await background(setup, "stop", sick("stop"));
    await background(setup, "stop-always", sick("stop", ["--restart", "always"]));
    await background(setup, "restart", sick("restart"));
    // Other clients use the annotation.
    const annotation = ["--annotation", "io.tsd.health-on-failure=kill", "--health-cmd", "false", ...QUICK];
    await background(setup, "docker", { flags: annotation, client: "docker" });
    const ends: [string, number][] = [["kill", 137], ["docker", 137], ["stop", 5], ["stop-always", 5]];
    for (const [name, code] of ends) {
      await until(`the end of ${name}`, async () => (await inspect(engine, name)).State.Status === "exited");
      assert.equal((await inspect(engine, name)).State.ExitCode, code, name);
    }
    await until("two restarts by the policy", async () => (await inspect(engine, "kill-always")).RestartCount >= 2);
    const { Pid } = (await inspect(engine, "restart")).State;
    await until("a restart", async () => {
      const { State } = await inspect(engine, "restart");
      return State.Status === "running" && State.Pid !== Pid;
    });
    await untilHealth(setup, "none", "unhealthy");
    assert.equal((await inspect(engine, "none")).State.Status, "running");
    const refusals: [string[], string][] = [
      [["--health-on-failure", "cry", "--health-cmd", "true"], "give one of none, kill, restart and stop"],
      [["--health-on-failure", "kill"], "cannot set on-failure action to kill without a health check"],
      [["--health-cmd", "true", "--health-interval", "10us"], "Interval in Healthcheck cannot be less than 1ms"],
    ];
    for (const [flags, words] of refusals) refused(await engine.tsd(["run", ...flags, setup.image]), words);
  },
});

Deno.test({
  name: "health: the next engine continues the checks of a killed one",
  ...needs,
  async fn() {
    await using setup = await startSetup();
    const { engine } = setup;
    await background(setup, "web", PATIENT);
    await untilHealth(setup, "web", "healthy");
    await engine.restart("SIGKILL");
    const since = nowSeconds();
    assert.equal(await healthOf(engine, "web"), "healthy");
    succeeded(await engine.tsd(["exec", "web", "rm", "/well"]));
    await untilHealth(setup, "web", "unhealthy");
    const reported = (await actionsOf(engine, "web", since)).filter((action) => action.startsWith("health_status"));
    assert.deepEqual(reported, ["health_status: unhealthy"]);
    await engine.restart("SIGTERM");
    assert.equal(await healthOf(engine, "web"), "unhealthy");
  },
});
