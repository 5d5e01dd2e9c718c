/** `tsd daemon reload`: the engine executes itself anew, in place. */
import { strict as assert } from "node:assert";
import { type Engine, executable } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { keepersOf, runDetached, startRig, stateOf, until } from "./rig.ts";

async function reload(engine: Engine): Promise<void> {
  const { code, stdout, stderr } = await engine.tsd(["-H", engine.host, "daemon", "reload"]);
  assert.deepEqual([code, stdout, stderr], [0, `Reloaded the engine (process ${engine.pid})\n`, ""]);
}

async function execTimes(engine: Engine): Promise<number> {
  return (await engine.log()).match(/info engine: listening /g)!.length;
}

Deno.test(
  "reload: same process, same containers, no line lost, nobody is turned away",
  requires("root", "runc"),
  async () => {
    await using rig = await startRig();
    const { engine } = rig;
    const id = await runDetached(rig, "i=0; while :; do echo line $i; i=$((i+1)); usleep 5000; done");
    const before = await stateOf(engine, id);
    const keepers = await keepersOf(engine);
    let asking = true;
    const failures: unknown[] = [];
    const clients = Promise.all(Array.from({ length: 3 }, async () => {
      while (asking) {
        const answer = await engine.api.get("/containers/json").catch((thrown) => failures.push(thrown));
        if (typeof answer === "object" && answer.status !== 200) failures.push(answer.text());
      }
    }));
    for (let round = 0; round < 3; round++) await reload(engine);
    asking = false;
    await clients;
    assert.deepEqual(failures, []);
    assert.equal(await execTimes(engine), 4);
    assert.deepEqual(await stateOf(engine, id), before);
    assert.deepEqual(await keepersOf(engine), keepers);
    assert.equal((await engine.tsd(["stop", "-t", "0", id])).code, 0);
    const lines = (await engine.tsd(["logs", id])).stdout.trimEnd().split("\n");
    assert.deepEqual(lines, lines.map((_, n) => `line ${n}`));
    assert.equal((await engine.tsd(["rm", id])).code, 0);
  },
);

Deno.test("reload under way: ends that fall into it keep their exit codes", requires("root", "runc"), async () => {
  await using rig = await startRig();
  const { engine } = rig;
  const ids: string[] = [];
  for (let n = 0; n < 8; n++) {
    ids.push(await runDetached(rig, `trap 'exit 2${n}' TERM; while :; do usleep 1000; done`));
  }
  const pids = await Promise.all(ids.map(async (id) => (await stateOf(engine, id)).Pid));
  const reloading = reload(engine);
  for (const pid of pids) {
    Deno.kill(pid, "SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await reloading;
  for (const [n, id] of ids.entries()) {
    await until("its end", async () => (await stateOf(engine, id)).Status === "exited");
    const { ExitCode, Error: why } = await stateOf(engine, id);
    assert.deepEqual([ExitCode, why], [20 + n, ""]);
  }
  await until("no keeper", async () => (await keepersOf(engine)).length === 0);
});

Deno.test(
  "a keeper that is killed after a reload has a successor; descriptors stay as many",
  requires("root", "runc"),
  async () => {
    await using rig = await startRig();
    const { engine } = rig;
    await runDetached(rig, "exec sleep 1000", ["-i"]);
    await reload(engine);
    const descriptors = async () => (await engine.snapshot()).process!.descriptors.length;
    const before = await descriptors();
    for (let round = 0; round < 2; round++) await reload(engine);
    await until("no more descriptors", async () => await descriptors() <= before);
    const [keeper] = await keepersOf(engine);
    Deno.kill(keeper!.pid, "SIGKILL");
    await until("a successor", async () => (await keepersOf(engine)).some(({ pid }) => pid !== keeper!.pid));
    assert.equal((await engine.snapshot()).process!.zombies, 0);
  },
);

Deno.test("what can't be executed is found out before; the engine goes on", requires("root", "runc"), async () => {
  await using folder = await temporaryFolder();
  const exe = `${folder.path}/tsd`;
  await Deno.copyFile(executable(), exe);
  await using rig = await startRig({ exe });
  const { engine } = rig;
  await Deno.rename(exe, `${exe}-before`);
  await Deno.writeTextFile(exe, "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  Deno.kill(engine.pid, "SIGHUP");
  await until("the refusal", async () => /not reloading.*ended with 3/.test(await engine.log()));
  assert.equal((await engine.api.get("/_ping")).status, 200);
  await Deno.rename(`${exe}-before`, exe);
  await reload(engine);
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "tsd-exe-" });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}
