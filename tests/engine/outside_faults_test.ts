/**
 * Faults of a running container that others cause: one clear state, no unrelated process is signalled, nothing is left.
 */
import { strict as assert } from "node:assert";
import { DatabaseSync } from "node:sqlite";
import { findFdHolders } from "../../src/runtime/fd_holder_search.ts";
import { cgroupDirs } from "../harness/host_state.ts";
import { type Engine, runCommand, tracesOf } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import {
  exists,
  type Holdings,
  holdingsOf,
  runDetached,
  type Setup,
  startSetup,
  stateOf,
  until,
  untilSettled,
} from "./setup.ts";

const needs = requires("root", "runc");

/** A setup that has run a container, and its resources when idle. */
async function idleSetup(): Promise<{ setup: Setup; before: Holdings } & AsyncDisposable> {
  const setup = await startSetup();
  const ran = await setup.engine.tsd(["run", "--rm", "--network", "none", setup.image, "true"]);
  assert.deepEqual([ran.code, ran.stderr], [0, ""]);
  const before = await holdingsOf(setup.engine);
  return { setup, before, [Symbol.asyncDispose]: () => setup[Symbol.asyncDispose]() };
}

async function assertEnds(engine: Engine, id: string, exitCode: number): Promise<void> {
  await until("its end", async () => (await stateOf(engine, id)).Status === "exited");
  const state = await stateOf(engine, id);
  assert.deepEqual([state.ExitCode, state.Pid], [exitCode, 0]);
}

/** Removes a directory in which the engine may write at the same time, for example just after a start. */
async function removeUnderIt(path: string): Promise<void> {
  await until(`${path} to be gone`, async () => (await runCommand("rm", ["-rf", path])).code === 0);
}

/** Omits the engine's process, for an engine that was restarted. */
function withoutProcess({ host: { process: _, ...host }, ...holdings }: Holdings): Holdings {
  return { ...holdings, host };
}

/** Stops, starts and removes a container, as if there had been no fault. */
async function assertUsable(engine: Engine, id: string): Promise<void> {
  for (const command of [["stop", "-t", "0", id], ["start", id], ["exec", id, "true"], ["rm", "-f", id]]) {
    const { code, stderr } = await engine.tsd(command);
    assert.deepEqual([code, stderr], [0, ""], command.join(" "));
  }
}

Deno.test({
  name: "killing its first process from outside is a normal exit",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    const id = await runDetached(resting.setup, "sleep 1000 & sleep 1000");
    Deno.kill((await stateOf(engine, id)).Pid, "SIGKILL");
    await assertEnds(engine, id, 137);
    const { OOMKilled } = await stateOf(engine, id) as unknown as { OOMKilled: boolean };
    assert.equal(OOMKilled, false);
    await untilSettled(engine, before);
    assert.equal((await engine.tsd(["start", id])).code, 0);
    await assertUsable(engine, id);
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "without its cgroup a container runs, what needs the cgroup reports that, and it stops and is removed as usual",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    const id = await runDetached(resting.setup, "trap 'exit 4' TERM; while :; do sleep 0.05; done");
    const { Pid } = await stateOf(engine, id);
    // Moves processes out of all of them, repeatedly so that short-lived ones are moved too.
    for (const dir of await cgroupDirs(new RegExp(`^tsd-${tracesOf(engine.dataRoot).engineId}$`))) {
      if (!dir.endsWith(`/${id}`)) continue;
      await until("an empty cgroup", async () => {
        const root = dir.slice(0, dir.indexOf("/tsd-"));
        await runCommand("sh", [
          "-c",
          `for pid in $(cat ${dir}/cgroup.procs); do echo $pid >${root}/cgroup.procs; done`,
        ]);
        return (await runCommand("rmdir", [dir])).code === 0;
      });
    }
    assert.equal((await stateOf(engine, id)).Status, "running");
    for (const command of [["stats", "--no-stream", id], ["top", id], ["pause", id], ["exec", id, "true"]]) {
      const { code, stdout, stderr } = await engine.tsd(command);
      assert.ok(
        code === 0 || /^(tsd: |Error response|OCI runtime exec failed)[^\n]*\n(Run '[^\n]*\n)?$/.test(stderr + stdout),
        `${command[0]}: ${code} ${stderr} ${stdout}`,
      );
      assert.equal((await stateOf(engine, id)).Status, "running", command[0]);
    }
    assert.equal((await engine.tsd(["stop", "-t", "20", id])).code, 0);
    await assertEnds(engine, id, 4);
    await assert.rejects(Deno.stat(`/proc/${Pid}`));
    assert.equal((await engine.tsd(["start", id])).code, 0);
    await assertUsable(engine, id);
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "without its mounts, its run directory or its runtime state a container can be stopped, started and removed",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    const { runDir, dataRoot } = tracesOf(engine.dataRoot);
    const breaks: Record<string, (id: string) => Promise<unknown>> = {
      mount: async (id) => {
        const points = (await holdingsOf(engine)).host.mounts.filter((mount) =>
          mount.includes(id) && mount.startsWith(dataRoot)
        );
        assert.notEqual(points.length, 0);
        for (const point of points) assert.equal((await runCommand("umount", ["-l", point.split(" ")[0]!])).code, 0);
      },
      bundle: (id) => removeUnderIt(`${runDir}/containers/${id}`),
      garbage: (id) => Deno.writeTextFile(`${runDir}/runc/${id}/state.json`, "garbage"),
      // As of a container whose start is in progress.
      fifo: (id) => runCommand("mkfifo", [`${runDir}/runc/${id}/exec.fifo`]),
      state: (id) => removeUnderIt(`${runDir}/runc/${id}`),
    };
    for (const [what, breakIt] of Object.entries(breaks)) {
      const removed = await runDetached(resting.setup, "sleep 1000 & sleep 1000");
      await breakIt(removed);
      const { code, stderr } = await engine.tsd(["rm", "-f", removed]);
      assert.deepEqual([code, stderr], [0, ""], what);
      assert.deepEqual((await holdingsOf(engine)).host.cgroups, [], what);
      for (const end of ["stop", "kill outside", "engine killed"]) {
        const id = await runDetached(resting.setup, "exec sleep 1000");
        const { Pid } = await stateOf(engine, id);
        await breakIt(id);
        const shown = `${what}, ${end}`;
        if (end === "engine killed") {
          await engine.restart("SIGKILL");
          assert.equal((await stateOf(engine, id)).Pid, Pid, shown);
        }
        if (end === "kill outside") Deno.kill(Pid, "SIGKILL");
        else assert.equal((await engine.tsd(["stop", "-t", "0", id])).code, 0, shown);
        await assertEnds(engine, id, 137);
        const started = await engine.tsd(["start", id]);
        assert.deepEqual([started.code, started.stderr], [0, ""], shown);
        await assertUsable(engine, id);
      }
    }
    // The engine was restarted, so its process cannot be compared.
    await untilSettled(engine, withoutProcess(before));
  },
});

Deno.test({
  name: "without its run directory execs work; missing runtime state is reported",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    const { runDir } = tracesOf(engine.dataRoot);
    const id = await runDetached(resting.setup, "exec sleep 1000");
    await removeUnderIt(runDir);
    for (const flags of [[], ["-i"], ["-t"]]) {
      const { code, stdout, stderr } = await engine.tsd(["exec", ...flags, id, "true"]);
      assert.match(
        stdout + stderr,
        /^OCI runtime exec failed: .* \(the runtime's state .* was removed; restart it\)\r?\n$/,
      );
      assert.equal(code, 126);
    }
    const paused = await engine.tsd(["pause", id]);
    assert.match(paused.stderr, /^tsd: runc pause failed: .* \(the runtime's state .* was removed; restart it\)\n$/);
    assert.equal((await engine.tsd(["restart", "-t", "0", id])).code, 0);
    await removeUnderIt(`${runDir}/containers`);
    for (const flags of [[], ["-i"], ["-t"]]) {
      const { code, stdout, stderr } = await engine.tsd(["exec", ...flags, id, "echo", "ok"]);
      assert.deepEqual([code, stdout.trim(), stderr], [0, "ok", ""], flags.join());
    }
    for (const dir of [runDir, `${runDir}/containers`]) {
      assert.equal((await Deno.stat(dir)).mode! & 0o777, 0o710, dir);
    }
    await assertUsable(engine, id);
    // The lock file that the engine holds was unlinked.
    await untilSettled(engine, withoutProcess(before));
  },
});

Deno.test({
  name: "after its log was deleted, new output is logged",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    for (const removed of ["file", "folder"]) {
      const id = await runDetached(resting.setup, "n=0; while :; do echo $n; n=$((n + 1)); sleep 0.05; done");
      await until("a line", async () => (await engine.tsd(["logs", id])).stdout !== "");
      const dir = `${engine.dataRoot}/containers/${id}`;
      await Deno.remove(removed === "file" ? `${dir}/${id}-json.log` : dir, { recursive: true });
      await using follower = engine.session("tsd", ["logs", "-f", id]);
      await follower.waitFor("\n");
      const { code, stdout } = await engine.tsd(["logs", id]);
      assert.match(stdout, /^\d+\n/, removed);
      assert.equal(code, 0);
      assert.match(await engine.log(), new RegExp(`The log \\S+${id}\\S+ was removed by another program`));
      await assertUsable(engine, id);
    }
    const id = await runDetached(resting.setup, "echo hello");
    assert.equal((await engine.tsd(["wait", id])).code, 0);
    const path = `${engine.dataRoot}/containers/${id}/${id}-json.log`;
    await Deno.remove(path);
    await Deno.mkdir(path);
    const { code, stderr } = await engine.tsd(["logs", id]);
    assert.equal(code, 1);
    assert.match(stderr, /^tsd: Cannot read the log [^\n]*Is a directory[^\n]*\n$/);
    assert.equal((await engine.tsd(["rm", id])).code, 0);
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "a paused container without runtime state can be unpaused, stopped and removed",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    const { runDir } = tracesOf(engine.dataRoot);
    const breakPaused = async () => {
      const id = await runDetached(resting.setup, "sleep 1000 & exec sleep 1000");
      await engine.tsd(["pause", id]);
      await removeUnderIt(`${runDir}/runc/${id}`);
      return id;
    };
    for (const command of [["unpause"], ["stop", "-t", "0"], ["kill"], ["rm", "-f"]]) {
      const id = await breakPaused();
      const { code, stderr } = await engine.tsd([...command, id]);
      assert.deepEqual([code, stderr], [0, ""], command[0]);
      if (command[0] !== "rm") await assertUsable(engine, id);
    }
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "a container frozen from outside can be stopped and removed",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine }, before } = resting;
    for (const command of [["stop", "-t", "20"], ["kill"], ["rm", "-f"]]) {
      const id = await runDetached(resting.setup, "trap 'exit 4' TERM; while :; do sleep 0.05; done");
      for (const dir of await cgroupDirs(new RegExp(`^tsd-${tracesOf(engine.dataRoot).engineId}$`))) {
        if (!dir.endsWith(`/${id}`)) continue;
        for (const [file, text] of [["freezer.state", "FROZEN"], ["cgroup.freeze", "1"]]) {
          if (await exists(`${dir}/${file}`)) await Deno.writeTextFile(`${dir}/${file}`, text!);
        }
      }
      const { code, stderr } = await engine.tsd([...command, id]);
      assert.deepEqual([code, stderr], [0, ""], command[0]);
      if (command[0] !== "rm") await assertUsable(engine, id);
    }
    await untilSettled(engine, before);
  },
});

Deno.test({
  name: "if its PID was reused, the new process is never signalled, and the container is reported as exited",
  ...needs,
  async fn() {
    await using resting = await idleSetup();
    const { setup: { engine } } = resting;
    const { runDir, dataRoot } = tracesOf(engine.dataRoot);
    const stranger = new Deno.Command("sleep", { args: ["1000"], stdout: "null", stderr: "null" }).spawn();
    try {
      const ids = await Promise.all(["one", "two"].map(() => runDetached(resting.setup, "exec sleep 1000")));
      const pids = await Promise.all(ids.map(async (id) => (await stateOf(engine, id)).Pid));
      await engine.stop("SIGKILL");
      for (const pid of [...findFdHolders(`${runDir}/`).map(({ pid }) => pid), ...pids]) Deno.kill(pid, "SIGKILL");
      {
        using db = new DatabaseSync(`${dataRoot}/tsd.db`);
        for (const pid of pids) {
          db.exec(`UPDATE containers SET state = replace(state, '"pid":${pid},', '"pid":${stranger.pid},')`);
        }
      }
      await engine.start();
      for (const id of ids) {
        const { Status, ExitCode, Error } = await stateOf(engine, id);
        assert.deepEqual([Status, ExitCode], ["exited", 255]);
        assert.match(Error, /engine was away/);
      }
      assert.equal((await engine.tsd(["kill", ids[0]!])).code, 1);
      assert.equal((await engine.tsd(["rm", "-f", ...ids])).code, 0);
      assert.match(await Deno.readTextFile(`/proc/${stranger.pid}/stat`), /\) S /);
    } finally {
      stranger.kill("SIGKILL");
      await stranger.status;
    }
  },
});
