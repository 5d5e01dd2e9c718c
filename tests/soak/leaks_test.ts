/** Very many runs, execs and dropped clients leak none of an engine's resources. Takes minutes. */
import { strict as assert } from "node:assert";
import type { Engine, EngineApi } from "../harness/mod.ts";
import { readAll } from "../images/bytes.ts";
import { type Holdings, holdingsOf, runDetached, type Setup, startSetup, untilSettled } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { held, print, Times } from "./figures.ts";
import { type Limits, plateaus, TELLS_MEMORY } from "./plateaus.ts";

const RUNS = 1500;
const EXECS = 1000;
const DROPPED = 2000;
const TERMINALS = 1000;
/** An exited exec can be inspected for five minutes, for which its record stays. */
const OF_AN_EXEC = { heapBytes: 2000 };

/** Warms up, then measures. `step` may run two at a time. */
async function soak(
  { engine }: Setup,
  what: string,
  times: number,
  step: (n: number) => Promise<void>,
  limits: Partial<Limits> = {},
): Promise<void> {
  const measured = new Times();
  const steps = async (from: number, to: number) => {
    const numbers = Array.from({ length: to - from }, (_, at) => from + at).values();
    await Promise.all([0, 1].map(async () => {
      for (const n of numbers) await measured.measure(() => step(n));
    }));
  };
  await steps(0, Math.ceil(times / 3));
  const before: Holdings = await holdingsOf(engine);
  await plateaus(engine, times, steps, limits);
  await untilSettled(engine, before, 60_000);
  print(what, measured);
  print("before", held(before));
  print("after", held(await holdingsOf(engine)));
}

/** Makes the requests of `run --rm`. */
async function life({ api }: Engine, image: string, input: string): Promise<void> {
  const hasInput = { OpenStdin: input !== "", StdinOnce: true };
  const HostConfig = { AutoRemove: true, NetworkMode: "none" };
  const created = await api.post("/containers/create", { Image: image, Cmd: ["cat"], ...hasInput, HostConfig });
  const { Id } = created.json<{ Id: string }>();
  using attached = await api.hijack("POST", `/containers/${Id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
  using waiting = await api.stream("POST", `/containers/${Id}/wait?condition=removed`);
  assert.equal((await api.post(`/containers/${Id}/start`)).status, 204);
  await attached.write(input);
  if (input !== "") await attached.closeWrite();
  const output = await readAll(attached.chunks());
  assert.equal(output.length, input === "" ? 0 : 8 + input.length);
  assert.deepEqual((await Array.fromAsync(waiting.lines())).map((line) => JSON.parse(line).StatusCode), [0]);
}

Deno.test(`${RUNS} runs with --rm`, requires("root", "runc"), async () => {
  await using setup = await startSetup({ args: TELLS_MEMORY });
  const { engine, image } = setup;
  await soak(setup, "run --rm", RUNS, (n) => life(engine, image, n % 2 === 0 ? "input" : ""));
  assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
});

async function exec(api: EngineApi, id: string, n: number): Promise<void> {
  const created = await api.post(`/containers/${id}/exec`, {
    ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
    Cmd: ["sh", "-c", "cat; exit 4"],
  });
  const { Id } = created.json<{ Id: string }>();
  using connection = await api.hijack("POST", `/exec/${Id}/start`, { body: { Detach: false, Tty: false } });
  // One in ten disconnects without waiting for the exit.
  await connection.write("input");
  await connection.closeWrite();
  if (n % 10 === 0) return;
  assert.equal((await readAll(connection.chunks())).length, 8 + 5);
  assert.equal((await api.get(`/exec/${Id}/json`)).json<{ ExitCode: number }>().ExitCode, 4);
}

Deno.test(`${EXECS} execs`, requires("root", "runc"), async () => {
  await using setup = await startSetup({ args: TELLS_MEMORY });
  const id = await runDetached(setup, "exec sleep 100000");
  await soak(setup, "exec", EXECS, (n) => exec(setup.engine.api, id, n), OF_AN_EXEC);
});

Deno.test(`${DROPPED} dropped clients`, requires("root", "runc"), async () => {
  await using setup = await startSetup({ args: TELLS_MEMORY });
  const { api } = setup.engine;
  const id = await runDetached(setup, "while :; do echo tick; usleep 1000; done", ["-i"]);
  const drops: ((n: number) => Promise<Disposable>)[] = [
    () => api.hijack("POST", `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`),
    () => api.hijack("POST", `/containers/${id}/attach?stream=1&logs=1&stdout=1`, { upgrade: false }),
    () => api.stream("GET", `/containers/${id}/logs?follow=1&stdout=1&tail=10`),
    () => api.stream("POST", `/containers/${id}/wait?condition=removed`),
    () => api.stream("GET", "/events"),
  ];
  await soak(setup, "dropped clients", DROPPED, async (n) => {
    using _dropped = await drops[n % drops.length]!(n);
  });
});

/**
 * Steps in order: a container, execs that exit, fail and are dropped, a client that detaches and one that is dropped.
 */
function terminalSteps({ engine, image }: Setup, id: string): (() => Promise<void>)[] {
  const { api } = engine;
  const attach = () => api.hijack("POST", `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
  const exec = async (command: string[]) => {
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const created = await api.post(`/containers/${id}/exec`, { ...streams, Tty: true, Cmd: command });
    const { Id } = created.json<{ Id: string }>();
    return await api.hijack("POST", `/exec/${Id}/start`, { body: { Detach: false, Tty: true } });
  };
  return [
    async () => {
      const ran = await engine.tsd(["run", "--rm", "-t", "--network", "none", image, "tty"]);
      assert.deepEqual([ran.code, ran.stdout], [0, "/dev/pts/0\r\n"], ran.stderr);
    },
    async () => {
      using ended = await exec(["echo", "x"]);
      assert.equal((await readAll(ended.chunks())).length, 3);
    },
    async () => {
      using failed = await exec(["nope"]);
      assert.ok((await readAll(failed.chunks())).length > 20);
    },
    async () => {
      using _dropped = await exec(["sleep", "0.1"]);
    },
    async () => {
      using left = await attach();
      await left.write("\x10\x11");
      await readAll(left.chunks());
    },
    async () => {
      using dropped = await attach();
      await dropped.write("x");
    },
  ];
}

Deno.test(`${TERMINALS} terminals`, requires("root", "runc"), async () => {
  await using setup = await startSetup({ args: TELLS_MEMORY });
  const steps = terminalSteps(setup, await runDetached(setup, "stty raw -echo; exec cat >/dev/null", ["-it"]));
  await soak(setup, "terminals", TERMINALS, (n) => steps[n % steps.length]!(), OF_AN_EXEC);
});
