/** Containers, execs, dropped clients and failures leak none of the engine's resources. */
import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { type Holdings, holdingsOf, runDetached, type Setup, startSetup, until, untilSettled } from "./setup.ts";

const TIMES = 20;
const ATTACH = "attach?stream=1&stdin=1&stdout=1&stderr=1";

/**
 * Runs `step` once to initialize what an engine keeps permanently, then compares its resources before and after `times`
 * runs.
 */
async function assertKeepsNothing(setup: Setup, times: number, step: (n: number) => Promise<void>): Promise<void> {
  const { host: { cgroups, mounts } } = await holdingsOf(setup.engine);
  await step(0);
  // Resources that the first container's cleanup releases must not be counted before.
  await until("the first one's end", async () => {
    const { host } = await holdingsOf(setup.engine);
    return host.cgroups.length === cgroups.length && host.mounts.length === mounts.length;
  });
  const before: Holdings = await holdingsOf(setup.engine);
  for (let n = 1; n <= times; n++) await step(n);
  await untilSettled(setup.engine, before);
}

Deno.test(`${TIMES} runs with --rm leave nothing`, requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  await assertKeepsNothing(setup, TIMES, async (n) => {
    const flags = n % 2 === 0 ? ["-i"] : [];
    const ran = await engine.tsd(["run", "--rm", ...flags, "--network", "none", image, "sh", "-c", "cat; exit 3"], {
      stdin: "in",
    });
    assert.equal(ran.code, 3, ran.stderr);
  });
});

Deno.test(`${TIMES} execs leave nothing`, requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine } = setup;
  const id = await runDetached(setup, "exec sleep 1000");
  await assertKeepsNothing(setup, TIMES, async (n) => {
    const flags = [[], ["-i"], ["-d"]][n % 3]!;
    const done = await engine.tsd(["exec", ...flags, id, "sh", "-c", "cat"], { stdin: "in" });
    assert.equal(done.code, 0, done.stderr);
  });
});

Deno.test(`${TIMES} dropped clients leave nothing`, requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine } = setup;
  const id = await runDetached(setup, "while :; do echo tick; usleep 1000; done", ["-i"]);
  await assertKeepsNothing(setup, TIMES, async () => {
    using attached = await engine.api.hijack("POST", `/containers/${id}/${ATTACH}`);
    assert.equal(attached.status, 101);
    using following = await engine.api.stream("GET", `/containers/${id}/logs?follow=1&stdout=1`);
    assert.equal(following.status, 200);
    using waiting = await engine.api.stream("POST", `/containers/${id}/wait?condition=next-exit`);
    assert.equal(waiting.status, 200);
    for await (const { bytes } of attached.frames()) if (bytes.length > 0) break;
  });
  assert.equal((await engine.tsd(["ps", "-q"])).stdout, `${id.slice(0, 12)}\n`);
});

Deno.test("clients that are killed in the middle of a request leave nothing", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  const id = await runDetached(setup, "exec sleep 1000");
  await assertKeepsNothing(setup, 4, async (n) => {
    const name = `killed${n}`;
    const run = engine.session("tsd", ["run", "-i", "--name", name, "--network", "none", image, "cat"]);
    await run.write("hello\n");
    await run.waitFor("hello");
    await run[Symbol.asyncDispose]();
    // The client's exit ends the input, which ends this container.
    assert.equal((await engine.tsd(["wait", name])).stdout, "0\n");
    assert.equal((await engine.tsd(["logs", name])).stdout, "hello\n");
    assert.equal((await engine.tsd(["rm", name])).code, 0);
    const exec = engine.session("tsd", ["exec", "-i", id, "cat"]);
    await exec.write("hello\n");
    await exec.waitFor("hello");
    await exec[Symbol.asyncDispose]();
  });
});

Deno.test("failed starts leave nothing", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  const failing: [string[], number][] = [
    [[image, "/no/such/command"], 127],
    [[image, "/etc/passwd"], 126],
    [["--user", "nobody-of-that-name", image, "true"], 125],
    [["--entrypoint", "/etc", image], 126],
    [["-v", "/etc/passwd:/proc/1/x", image, "true"], 125],
    [["--network", "no-such-network", image, "true"], 125],
  ];
  await assertKeepsNothing(setup, failing.length, async (n) => {
    const [args, code] = failing[n % failing.length]!;
    const network = args.includes("--network") ? [] : ["--network", "none"];
    const failed = await engine.tsd(["run", "--rm", ...network, ...args]);
    assert.equal(failed.code, code, `${args}: ${failed.stderr}`);
    assert.match(failed.stderr, /^tsd: [^\n]+\n/);
  });
  assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
});

Deno.test(
  "a process that does not end in time, and one whose output others keep open",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    await assertKeepsNothing(setup, 2, async () => {
      // Its child keeps the output open without delaying the exit.
      const orphan = await engine.tsd([
        "run",
        "--rm",
        "--network",
        "none",
        image,
        "sh",
        "-c",
        "sleep 1000 & echo done",
      ]);
      assert.deepEqual([orphan.code, orphan.stdout], [0, "done\n"]);
      const deaf = await runDetached(setup, "trap '' TERM; while :; do sleep 1; done", ["--rm"]);
      assert.equal((await engine.tsd(["stop", "-t", "0", deaf])).code, 0);
    });
  },
);
