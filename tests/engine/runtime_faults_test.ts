/** A runtime that is missing, fails, prints garbage or lies: one clear error, and nothing is left. */
import { strict as assert } from "node:assert";
import { type RunResult, tracesOf } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import {
  type Holdings,
  holdingsOf,
  namesIn,
  runDetached,
  type Setup,
  startSetupWith,
  type StateNow,
  stateOf,
  until,
  untilSettled,
} from "./setup.ts";

/**
 * Replaces runc. `$dir/fault` has a subcommand and the fault for it; all other calls go to the real runc. So that
 * `start` is called at all, its FIFO then has no reader.
 */
const FAULTY_RUNC = `#!/bin/sh
dir=DIR
read wanted fault <$dir/fault
pidfile= log= command= root= id=
for word in "$@"; do
  case $previous in --pid-file) pidfile=$word ;; --log) log=$word ;; --root) root=$word ;; esac
  case $word in create | start | exec | delete) [ -n "$command" ] || command=$word ;; esac
  previous=$word id=$word
done
if [ "$wanted $command" = "start create" ]; then
  $dir/runc "$@" && rm $root/$id/exec.fifo && exec mkfifo $root/$id/exec.fifo
fi
[ "$command" = "$wanted" ] || exec $dir/runc "$@"
case $fault in
  silent) exit 3 ;;
  garbage) head -c 5000 /dev/urandom >$log; head -c 5000 /dev/urandom; head -c 5000 /dev/urandom >&2; exit 1 ;;
  killed) kill -9 $$ ;;
  lies) exit 0 ;;
  nonsense) echo nonsense >$pidfile ;;
  stranger) cat $dir/stranger >$pidfile ;;
  makes-and-fails) $dir/runc "$@"; exit 4 ;;
esac
`;

interface FaultySetup {
  readonly setup: Setup;
  readonly dir: string;
  /** Makes the runtime behave like that for this subcommand. */
  fault(command: string, fault: string): Promise<void>;
  heal(): Promise<void>;
}

async function withFaultyRunc(use: (faulty: FaultySetup) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tsd-runc-" });
  try {
    const real = await Deno.realPath((await which("runc"))!);
    await Deno.copyFile(real, `${directory}/runc`);
    await Deno.writeTextFile(`${directory}/faulty`, FAULTY_RUNC.replace("DIR", directory), { mode: 0o755 });
    const fault = (command: string, what: string) => Deno.writeTextFile(`${directory}/fault`, `${command} ${what}\n`);
    const heal = () => fault("nothing", "fails");
    await heal();
    await using env = await startSetupWith(directory, `mount --bind ${directory}/faulty ${real}`);
    await use({ setup: env, dir: directory, fault, heal });
    await heal();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function which(program: string): Promise<string | undefined> {
  for (const directory of ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]) {
    if (await Deno.stat(`${directory}/${program}`).then(({ isFile }) => isFile, () => false)) {
      return `${directory}/${program}`;
    }
  }
}

const run = ({ engine, image }: Setup, ...args: string[]): Promise<RunResult> =>
  engine.tsd(["run", "--network", "none", ...args, image, "echo", "ran"]);

function assertOneLine({ code, stdout, stderr }: RunResult, expected: RegExp): void {
  assert.match(stderr, /^tsd: [ -~]+\n(Run 'tsd run --help' for more information\n)?$/);
  assert.match(stderr, expected);
  assert.equal(stdout, "");
  assert.equal(code, 125);
}

/** Returns what runc keeps, including its cgroups. */
async function runtimeKeeps({ engine }: Setup): Promise<string[]> {
  return await namesIn(`${tracesOf(engine.dataRoot).runDir}/runc`);
}

Deno.test(
  "a runtime that cannot create a container",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, fault, heal }) => {
      const { engine } = env;
      assert.equal((await run(env, "--rm")).stdout, "ran\n");
      const before: Holdings = await holdingsOf(engine);
      const cases: [string, RegExp][] = [
        ["silent", /runc create failed with exit code 3 and said nothing/],
        ["garbage", /runc create failed with exit code 1 and said nothing/],
        ["killed", /runc create failed with exit code 137 and said nothing/],
        ["lies", /runtime wrote no pid/],
        ["nonsense", /runtime wrote no pid into \S+, but "nonsense\\n"/],
        ["makes-and-fails", /runc create failed with exit code 4 and said nothing/],
      ];
      for (const [what, expected] of cases) {
        await fault("create", what);
        assertOneLine(await run(env, "--rm"), expected);
        assertOneLine(await run(env, "--name", `kept-${what}`), expected);
        const state = await stateOf(engine, `kept-${what}`);
        assert.deepEqual([state.Status, state.ExitCode, state.Pid], ["created", 128, 0]);
        assert.match(state.Error, expected);
        await untilSettled(engine, before);
        assert.deepEqual(await runtimeKeeps(env), []);
        await heal();
        const started = await engine.tsd(["start", "-a", `kept-${what}`]);
        assert.deepEqual(started, { code: 0, stdout: "ran\n", stderr: "" });
        assert.equal((await engine.tsd(["rm", `kept-${what}`])).code, 0);
      }
      assert.equal((await engine.tsd(["ps", "-aq"])).stdout, "");
    }),
);

Deno.test(
  "a runtime that reports an unrelated process",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, dir: directory, fault, heal }) => {
      const stranger = new Deno.Command("sleep", { args: ["1000"] }).spawn();
      try {
        await Deno.writeTextFile(`${directory}/stranger`, String(stranger.pid));
        await fault("create", "stranger");
        assertOneLine(await run(env, "--name", "lied-to"), /named process \d+, which it did not start/);
        assert.equal((await stateOf(env.engine, "lied-to")).Status, "created");
        assert.equal((await env.engine.tsd(["rm", "-f", "lied-to"])).code, 0);
        await heal();
        assert.match(await Deno.readTextFile(`/proc/${stranger.pid}/stat`), /\) S /);
      } finally {
        stranger.kill("SIGKILL");
        await stranger.status;
      }
    }),
);

Deno.test(
  "a runtime that cannot start a created container",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, fault, heal }) => {
      const { engine } = env;
      assert.equal((await run(env, "--rm")).stdout, "ran\n");
      const before = await holdingsOf(engine);
      for (const [what, code] of [["silent", 3], ["garbage", 1], ["killed", 137]] as const) {
        await fault("start", what);
        assertOneLine(await run(env, "--rm"), new RegExp(`runc start failed with exit code ${code} and said nothing`));
        await untilSettled(engine, before);
        assert.deepEqual(await runtimeKeeps(env), []);
        await heal();
      }
      await fault("start", "lies");
      assertOneLine(await run(env, "--rm"), /runc start said that it succeeded, and started nothing/);
      await untilSettled(engine, before);
      await heal();
      assert.equal((await run(env, "--rm")).stdout, "ran\n");
    }),
);

Deno.test(
  "a runtime that cannot exec",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, fault, heal }) => {
      const { engine } = env;
      const id = await runDetached(env, "exec sleep 1000");
      assert.equal((await engine.tsd(["exec", id, "true"])).code, 0);
      const before = await holdingsOf(engine);
      for (const what of ["silent", "garbage", "killed", "lies", "nonsense"]) {
        await fault("exec", what);
        const failed = await engine.tsd(["exec", id, "true"]);
        assert.match(failed.stdout + failed.stderr, /runtime wrote no pid|runc exec failed with exit code \d+/);
        assert.notEqual(failed.code, 0);
        await untilSettled(engine, before);
        await heal();
        assert.equal((await engine.tsd(["exec", id, "true"])).code, 0);
      }
      await fault("exec", "makes-and-fails");
      const failed = await engine.tsd(["exec", id, "sleep", "1001"]);
      assert.match(failed.stdout + failed.stderr, /runc exec failed with exit code 4/);
      await until("the end of what it made", async () => !/sleep 1001/.test((await engine.tsd(["top", id])).stdout));
      await untilSettled(engine, before);
      assert.equal((await stateOf(engine, id)).Status, "running");
    }),
);

Deno.test(
  "a runtime that cannot restart a container: its restart policy retries until it succeeds or is stopped",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, fault, heal }) => {
      const { engine } = env;
      assert.equal((await run(env, "--rm")).stdout, "ran\n");
      const before = await holdingsOf(engine);
      const id = await runDetached(env, "exec sleep 1000", ["--restart", "always"]);
      await fault("create", "silent");
      Deno.kill((await stateOf(engine, id)).Pid, "SIGKILL");
      const waiting = () =>
        until("two tries", async () => {
          const { RestartCount, State } = (await engine.api.get(`/containers/${id}/json`)).json<
            { RestartCount: number; State: StateNow }
          >();
          return RestartCount > 2 && State.Status === "restarting" && /runc create failed/.test(State.Error);
        });
      await waiting();
      await heal();
      await until("its run", async () => (await stateOf(engine, id)).Status === "running");
      await fault("create", "silent");
      Deno.kill((await stateOf(engine, id)).Pid, "SIGKILL");
      await waiting();
      assert.equal((await engine.tsd(["stop", id])).code, 0);
      assert.equal((await stateOf(engine, id)).Status, "exited");
      await untilSettled(engine, before);
    }),
);

Deno.test(
  "a cleanup that the runtime fails is retried",
  requires("root", "runc"),
  () =>
    withFaultyRunc(async ({ setup: env, fault, heal }) => {
      const { engine } = env;
      assert.equal((await run(env, "--rm")).stdout, "ran\n");
      const before = await holdingsOf(engine);
      await fault("delete", "silent");
      assert.equal((await run(env, "--name", "stays")).stdout, "ran\n");
      assert.equal((await run(env, "--name", "again")).stdout, "ran\n");
      await until(
        "the failure in its log",
        async () => /cleaning up after a container failed/.test(await engine.log()),
      );
      const refused = await engine.tsd(["rm", "stays"]);
      assert.match(refused.stderr, /^tsd: [^\n]*runc delete failed with exit code 3 and said nothing\n$/);
      await heal();
      assert.equal((await engine.tsd(["rm", "stays"])).code, 0);
      assert.deepEqual(await engine.tsd(["start", "-a", "again"]), { code: 0, stdout: "ran\n", stderr: "" });
      assert.equal((await engine.tsd(["rm", "again"])).code, 0);
      await untilSettled(engine, before);
      assert.deepEqual(await runtimeKeeps(env), []);
      // After a kill, the next engine retries it.
      await fault("delete", "silent");
      assert.equal((await run(env, "--name", "left")).stdout, "ran\n");
      await until("its remains", async () => (await runtimeKeeps(env)).length === 1);
      await engine.stop("SIGKILL");
      await heal();
      await engine.start();
      assert.deepEqual(await runtimeKeeps(env), []);
      assert.equal((await engine.tsd(["rm", "left"])).code, 0);
    }),
);

Deno.test("a missing runtime", requires("root", "runc"), async () => {
  const directory = await Deno.makeTempDir({ prefix: "tsd-runc-" });
  try {
    const real = await Deno.realPath((await which("runc"))!);
    const dir = real.slice(0, real.lastIndexOf("/"));
    // A directory without runc: an overlay with a whiteout.
    const setup = [
      `mount -t tmpfs tsd-test ${directory}`,
      `mkdir ${directory}/upper ${directory}/work`,
      `mknod ${directory}/upper/${real.slice(dir.length + 1)} c 0 0`,
      `mount -t overlay -o lowerdir=${dir},upperdir=${directory}/upper,workdir=${directory}/work tsd-test ${dir}`,
    ].join("; ");
    await using env = await startSetupWith(directory, setup);
    const { engine } = env;
    const before = await holdingsOf(engine);
    const expected = /Cannot run \S+\/runc: it is not there; install the package runc/;
    assertOneLine(await run(env, "--rm"), expected);
    assertOneLine(await run(env, "--name", "c1"), expected);
    await untilSettled(engine, before);
    assert.match((await engine.tsd(["info"])).stderr, /runc is missing/);
    assert.equal((await engine.tsd(["version"])).code, 0);
    assert.equal((await engine.tsd(["rm", "c1"])).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
