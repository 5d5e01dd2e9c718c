/** Containers survive their engine; the next engine restores them. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import {
  exists,
  fdHoldersOf,
  runDetached,
  type Setup,
  startSetup,
  type StateNow,
  stateOf,
  until,
  untilHeld,
} from "./setup.ts";

/** Writes numbered lines, 100 a second, and their number to the file /shared/count. */
const COUNTING = "i=0; while :; do echo line $i; i=$((i+1)); echo $i >/shared/count; usleep 10000; done";

/** A directory that containers see as /shared. */
class Shared implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Shared> {
    return new Shared(await Deno.makeTempDir({ prefix: "tsd-shared-" }));
  }

  get flags(): string[] {
    return ["-v", `${this.path}:/shared`];
  }

  /** Returns the number of lines written. */
  async count(): Promise<number> {
    const text = await Deno.readTextFile(`${this.path}/count`).catch((thrown) => {
      if (thrown instanceof Deno.errors.NotFound) return "0";
      throw thrown;
    });
    return Number(text);
  }

  /** Waits for `lines` more lines. */
  async more(lines: number): Promise<void> {
    const goal = await this.count() + lines;
    await until(`line ${goal}`, async () => await this.count() >= goal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.path);
  }
}

async function logged(engine: Engine, container: string): Promise<string[]> {
  const { code, stdout, stderr } = await engine.tsd(["logs", container]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n");
}

/** Checks that the log has all lines in order, at least `least` of them. */
function assertNothingLost(logged: readonly string[], least: number, signal: Deno.Signal): void {
  // The last lines of a killed engine may be duplicated, but are never missing.
  const lines = signal === "SIGKILL" ? [...new Set(logged)] : logged;
  assert.deepEqual(lines, lines.map((_, n) => `line ${n}`));
  assert.ok(lines.length >= least, `${lines.length} lines`);
}

async function assertIsUp(engine: Engine, names: readonly string[]): Promise<void> {
  const listed = (await engine.api.get("/containers/json")).json<{ Names: string[]; Status: string }[]>();
  for (const { Names: [name], Status } of listed) assert.match(Status, /^Up /, name);
  assert.deepEqual(listed.map(({ Names: [name] }) => name!.slice(1)).sort(), names);
}

async function run(setup: Setup, name: string, script: string, flags: readonly string[] = []): Promise<string> {
  return await runDetached(setup, script, ["--name", name, ...flags]);
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(
    `after ${signal} a container keeps running, no line is lost, and the next engine restores it`,
    requires("root", "runc"),
    async () => {
      await using setup = await startSetup();
      await using shared = await Shared.make();
      const { engine } = setup;
      await run(setup, "counter", COUNTING, shared.flags);
      await shared.more(20);
      const before = await stateOf(engine, "counter");
      await engine.stop(signal);
      // Two seconds of output.
      await shared.more(200);
      await engine.start();
      await assertIsUp(engine, ["counter"]);
      assert.deepEqual(await stateOf(engine, "counter"), before);
      const known = await shared.count();
      assertNothingLost(await logged(engine, "counter"), known, signal);
      await using following = engine.session("tsd", ["logs", "-f", "counter"]);
      await following.waitFor(`line ${known + 50}\n`);
      assertNothingLost(following.stdout.trimEnd().split("\n"), known + 50, signal);
      // The file is briefly empty each time it is written.
      const read = 'until n=$(cat /shared/count); [ -n "$n" ]; do :; done; echo "$n"; exit 3';
      const exec = await engine.tsd(["exec", "counter", "sh", "-c", read]);
      assert.equal(exec.code, 3);
      assert.ok(Number(exec.stdout) > known);
      assert.equal((await engine.tsd(["stop", "-t", "0", "counter"])).code, 0);
      assert.equal((await following.wait()).code, 0);
      assertNothingLost(await logged(engine, "counter"), await shared.count(), signal);
      assert.equal((await engine.tsd(["start", "counter"])).code, 0);
      await assertIsUp(engine, ["counter"]);
      assert.equal((await engine.tsd(["rm", "-f", "counter"])).code, 0);
    },
  );
}

Deno.test("a partial line that was read is in the log, and so is its rest", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  await using shared = await Shared.make();
  const { engine } = setup;
  const script =
    "printf first-half; touch /shared/written; while [ ! -e /shared/go ]; do usleep 5000; done; echo -rest";
  await run(setup, "halves", script, shared.flags);
  await until("the first half", () => Deno.stat(`${shared.path}/written`).then(() => true, () => false));
  await engine.restart("SIGTERM");
  await Deno.writeTextFile(`${shared.path}/go`, "");
  await engine.tsd(["wait", "halves"]);
  assert.equal((await engine.tsd(["logs", "halves"])).stdout, "first-half-rest\n");
});

Deno.test(
  "containers that exit while no engine runs: exit code, last output, event, removal",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    await using shared = await Shared.make();
    const { engine } = setup;
    const { ids, since } = await twoThatWait(setup, shared);
    await engine.stop("SIGKILL");
    await letEnd(shared, ids);
    await engine.start();
    await until("its end", async () => (await stateOf(engine, "kept")).Status === "exited");
    const state = await stateOf(engine, "kept");
    assert.deepEqual([state.Status, state.ExitCode, state.Pid, state.Error], ["exited", 7, 0, ""]);
    assert.equal((await engine.tsd(["logs", "kept"])).stdout, "first words\nlast words");
    await until("the end of --rm", async () => (await engine.tsd(["ps", "-aq"])).stdout.length === 13);
    const events = await engine.tsd([
      "events",
      "--since",
      since,
      "--until",
      "0s",
      "-f",
      "event=die",
      "--format",
      "json",
    ]);
    const deaths = events.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).Actor.Attributes);
    assert.deepEqual(deaths.map(({ name, exitCode }) => `${name} ${exitCode}`).sort(), ["auto 7", "kept 7"]);
    assert.equal((await engine.tsd(["start", "kept"])).code, 0);
    assert.equal((await engine.tsd(["wait", "kept"])).stdout, "7\n");
    assert.equal((await engine.tsd(["rm", "kept"])).code, 0);
  },
);

Deno.test(
  "containers that exit while neither engine nor fd holder runs get 255 and the reason",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    await using shared = await Shared.make();
    const { engine } = setup;
    const { ids } = await twoThatWait(setup, shared);
    const fdHolders = await untilHeld(engine, 2);
    await engine.stop("SIGKILL");
    for (const { pid } of fdHolders) Deno.kill(pid, "SIGKILL");
    await letEnd(shared, ids);
    // If the host's init is slow to reap, the exit code is still known.
    const known = await Promise.all(ids.map(({ Pid }) => exists(`/proc/${Pid}`)));
    await engine.start();
    await until("its end", async () => (await stateOf(engine, "kept")).Status === "exited");
    const { ExitCode, Error: why } = await stateOf(engine, "kept");
    if (known[0]) assert.deepEqual([ExitCode, why], [7, ""]);
    else {
      assert.equal(ExitCode, 255);
      assert.match(why, /engine was away/);
      assert.match((await engine.tsd(["ps", "-a"])).stdout, /Exited \(255\)/);
    }
  },
);

Deno.test(
  "an fd holder that is killed is replaced by another one with the same function",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    await using shared = await Shared.make();
    const { engine } = setup;
    const { ids } = await twoThatWait(setup, shared);
    const before = await untilHeld(engine, 2);
    // A recently started one is replaced after a delay.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    for (const { pid } of before) Deno.kill(pid, "SIGKILL");
    await until("successors", async () => {
      const now = await fdHoldersOf(engine);
      return now.length === 2 && now.every(({ pid }) => !before.some((old) => old.pid === pid));
    });
    assert.match(await engine.log(), /keeper was killed/);
    await engine.stop("SIGKILL");
    await letEnd(shared, ids);
    await engine.start();
    await until("its end", async () => (await stateOf(engine, "kept")).ExitCode === 7);
    assert.equal((await engine.tsd(["logs", "kept"])).stdout, "first words\nlast words");
  },
);

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`input continues after ${signal}, and its end is detected`, requires("root", "runc"), async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    await run(setup, "cat", "cat", ["-i"]);
    await untilHeld(engine, 1);
    const attach = async () => {
      const attached = await engine.api.hijack("POST", "/containers/cat/attach?stream=1&stdin=1&stdout=1");
      assert.equal(attached.status, 101);
      return attached;
    };
    {
      using attached = await attach();
      await attached.write("before\n");
      await until("its output", async () => (await engine.tsd(["logs", "cat"])).stdout === "before\n");
    }
    await engine.restart(signal);
    {
      using attached = await attach();
      await attached.write("after\n");
      await until("its output", async () => (await engine.tsd(["logs", "cat"])).stdout === "before\nafter\n");
    }
    assert.equal((await stateOf(engine, "cat")).Status, "running");
    await using once = engine.session("tsd", ["run", "-i", ...["--name", "once", "--network", "none"], image, "cat"]);
    await once.write("hello\n");
    await once.waitFor("hello");
    await once.closeStdin();
    assert.equal((await once.wait()).code, 0);
    // Its input must end with its client, but not with its engine.
    await using cut = engine.session("tsd", ["run", "-i", ...["--name", "cut", "--network", "none"], image, "cat"]);
    await cut.write("hello\n");
    await cut.waitFor("hello");
    await untilHeld(engine, 2);
    await engine.restart(signal);
    assert.equal((await stateOf(engine, "cut")).Status, "running");
  });
}

/** Runs `kept`, and `auto` with --rm: both have written a line, and wait for {@link letEnd}. */
async function twoThatWait(setup: Setup, shared: Shared): Promise<{ ids: StateNow[]; since: string }> {
  const since = String(Date.now() / 1000);
  const script = "echo first words; while [ ! -e /shared/go ]; do usleep 5000; done; printf 'last words'; exit 7";
  await run(setup, "kept", script, shared.flags);
  await run(setup, "auto", script, ["--rm", ...shared.flags]);
  await until("a line", async () => (await setup.engine.tsd(["logs", "kept"])).stdout === "first words\n");
  await untilHeld(setup.engine, 2);
  return { ids: await Promise.all(["kept", "auto"].map((name) => stateOf(setup.engine, name))), since };
}

async function letEnd(shared: Shared, states: readonly StateNow[]): Promise<void> {
  await Deno.writeTextFile(`${shared.path}/go`, "");
  for (const { Pid } of states) await until("its end", () => hasEnded(Pid));
}

Deno.test("five containers survive three killed engines", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  await using shared = await Shared.make();
  const { engine } = setup;
  const names = ["c1", "c2", "c3", "c4", "c5"];
  for (const name of names) {
    await run(setup, name, `trap 'exit 0' TERM; while :; do echo $((i=i+1)) >/shared/${name}; usleep 10000; done`, [
      ...shared.flags,
    ]);
  }
  const pids = await Promise.all(names.map(async (name) => (await stateOf(engine, name)).Pid));
  for (let round = 0; round < 3; round++) {
    await engine.restart("SIGKILL");
    await assertIsUp(engine, names);
    assert.deepEqual(await Promise.all(names.map(async (name) => (await stateOf(engine, name)).Pid)), pids);
  }
  const stopped = await Promise.all(names.slice(0, 2).map((name) => engine.tsd(["stop", name])));
  assert.deepEqual(stopped.map(({ code }) => code), [0, 0]);
  await assertIsUp(engine, names.slice(2));
  for (const pid of pids.slice(0, 2)) assert.equal(await hasEnded(pid), true);
  for (const name of names) assert.equal((await engine.tsd(["rm", "-f", name])).code, 0);
  for (const pid of pids) await until("its end", () => hasEnded(pid));
});

Deno.test("an engine killed during a start leaves no partial container", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  for (let round = 0; round < 6; round++) {
    const starting = engine.session("tsd", [
      ...["run", "-d", "--name", `r${round}`, "--network", "none", image, "sleep", "1000"],
    ]);
    await until("the container", async () => {
      const { stdout } = await engine.tsd(["ps", "-aq", "--filter", `name=r${round}`]);
      return stdout !== "";
    });
    await new Promise((resolve) => setTimeout(resolve, round * 8));
    await engine.stop("SIGKILL");
    await starting[Symbol.asyncDispose]();
    await engine.start();
    const { Status, Pid } = await stateOf(engine, `r${round}`);
    if (Status === "running") {
      // It must not be runc's init, which would wait for its start forever.
      assert.match(await Deno.readTextFile(`/proc/${Pid}/cmdline`), /^sleep\0/);
    } else {
      const start = await engine.tsd(["start", `r${round}`]);
      assert.deepEqual([start.code, start.stderr], [0, ""]);
    }
  }
  for (let round = 0; round < 6; round++) {
    const removed = await engine.tsd(["rm", "-f", `r${round}`]);
    assert.deepEqual([removed.code, removed.stderr], [0, ""]);
  }
});

Deno.test("an engine starts although a container's run directory is missing", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine } = setup;
  const id = await run(setup, "bare", "exec sleep 1000");
  const { Pid } = await stateOf(engine, "bare");
  await engine.stop("SIGKILL");
  for await (const { name } of Deno.readDir("/run")) {
    const bundle = `/run/${name}/containers/${id}`;
    if (name.startsWith("tsd-")) await removeTree(bundle);
  }
  await engine.start();
  assert.equal((await stateOf(engine, "bare")).Pid, Pid);
  assert.equal((await engine.tsd(["rm", "-f", "bare"])).code, 0);
  await until("its end", () => hasEnded(Pid));
});

/** Reports whether a process has exited; it may be a zombie. */
async function hasEnded(pid: number): Promise<boolean> {
  try {
    return / Z /.test(await Deno.readTextFile(`/proc/${pid}/stat`));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return true;
    throw thrown;
  }
}
