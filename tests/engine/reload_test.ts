/** `tsd daemon reload`: the engine re-executes itself in place. */
import { strict as assert } from "node:assert";
import { type Engine, executable, runCommand, Screen, startEngine, tracesOf } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { fdHoldersOf, runDetached, startSetup, stateOf, until, untilHeld } from "./setup.ts";

async function reload(engine: Engine): Promise<void> {
  const { code, stdout, stderr } = await engine.tsd(["-H", engine.host, "daemon", "reload"]);
  assert.deepEqual([code, stdout, stderr], [0, `Reloaded the engine (process ${engine.pid})\n`, ""]);
}

async function execTimes(engine: Engine): Promise<number> {
  return (await engine.log()).match(/info engine: listening /g)!.length;
}

Deno.test(
  "a reload keeps the process, containers and all log lines, and refuses no client",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "i=0; while :; do echo line $i; i=$((i+1)); usleep 5000; done");
    const before = await stateOf(engine, id);
    const fdHolders = await untilHeld(engine, 1);
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
    assert.deepEqual(await fdHoldersOf(engine), fdHolders);
    assert.equal((await engine.tsd(["stop", "-t", "0", id])).code, 0);
    const lines = (await engine.tsd(["logs", id])).stdout.trimEnd().split("\n");
    assert.deepEqual(lines, lines.map((_, n) => `line ${n}`));
    assert.equal((await engine.tsd(["rm", id])).code, 0);
  },
);

Deno.test("a reload keeps lock and socket, so that no other engine can take them", requires("root"), async () => {
  await using engine = await startEngine();
  const { dev, ino } = await Deno.lstat(engine.socketPath);
  const other = `${engine.dir}/other`;
  const attempt = async (dataRoot: string, host: string) =>
    (await runCommand(executable(), ["daemon", "--data-root", dataRoot, "-H", host])).stderr;
  for (let round = 0; round < 3; round++) {
    const [sameRoot, sameSocket] = await Promise.all([
      attempt(engine.dataRoot, `unix://${other}.sock`),
      attempt(other, engine.host),
      reload(engine),
    ]);
    assert.equal(sameRoot, `tsd: Cannot start the engine: another one uses ${engine.dataRoot} already\n`);
    assert.equal(sameSocket, `tsd: Cannot listen on ${engine.socketPath}: another program answers there\n`);
    const now = await Deno.lstat(engine.socketPath);
    assert.deepEqual([now.dev, now.ino], [dev, ino]);
  }
  await removeTree(tracesOf(other).runDir);
});

Deno.test("containers that exit during a reload keep their exit codes", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine } = setup;
  const ids: string[] = [];
  for (let n = 0; n < 8; n++) {
    ids.push(await runDetached(setup, `trap 'exit 2${n}' TERM; while :; do usleep 1000; done`));
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
  await until("no keeper", async () => (await fdHoldersOf(engine)).length === 0);
});

Deno.test(
  "an fd holder that is killed after a reload is replaced; the number of descriptors is unchanged",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    await runDetached(setup, "exec sleep 1000", ["-i"]);
    await reload(engine);
    const descriptors = async () => (await engine.snapshot()).process!.descriptors.length;
    const before = await descriptors();
    for (let round = 0; round < 2; round++) await reload(engine);
    await until("no more descriptors", async () => await descriptors() <= before);
    const [fdHolder] = await untilHeld(engine, 1);
    Deno.kill(fdHolder!.pid, "SIGKILL");
    await until("a successor", async () => (await fdHoldersOf(engine)).some(({ pid }) => pid !== fdHolder!.pid));
    assert.equal((await engine.snapshot()).process!.zombies, 0);
  },
);

Deno.test(
  "a file that cannot be executed is detected beforehand; the engine keeps running",
  requires("root", "runc"),
  async () => {
    await using dir = await temporaryDir();
    const exe = `${dir.path}/tsd`;
    await Deno.copyFile(executable(), exe);
    await using setup = await startSetup({ exe });
    const { engine } = setup;
    await Deno.rename(exe, `${exe}-before`);
    await Deno.writeTextFile(exe, "#!/bin/sh\nexit 3\n", { mode: 0o755 });
    Deno.kill(engine.pid, "SIGHUP");
    await until("the refusal", async () => /not reloading.*ended with 3/.test(await engine.log()));
    assert.equal((await engine.api.get("/_ping")).status, 200);
    await Deno.rename(`${exe}-before`, exe);
    await reload(engine);
  },
);

async function temporaryDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "tsd-exe-" });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

/** Ways to replace an engine. */
const GOING = {
  reload,
  "kill -9": (engine: Engine) => engine.restart("SIGKILL"),
} as const;

for (const [how, goAndComeBack] of Object.entries(GOING)) {
  Deno.test(`tsd's clients continue after ${how}: logs -f, wait, events`, requires("root", "runc"), async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "i=0; while :; do echo line $i; i=$((i+1)); usleep 1000; done", [
      "--name",
      "web",
    ]);
    await using following = engine.session("tsd", ["logs", "-f", "web"]);
    await using tailing = engine.session("tsd", ["logs", "-f", "--tail", "1", "-t", "web"]);
    await using waiting = engine.session("tsd", ["wait", "web"]);
    await using events = engine.session("tsd", ["events", "-f", "container=web", "--format", "json"]);
    await following.waitFor("line 100\n");
    await tailing.waitFor("line");
    await engine.tsd(["pause", "web"]);
    await events.waitFor("pause");
    await engine.tsd(["unpause", "web"]);
    for (let round = 0; round < 2; round++) {
      await goAndComeBack(engine);
      const seen = following.stdout.trimEnd().split("\n").length;
      await following.waitFor(`line ${seen + 50}\n`);
    }
    assert.equal((await engine.tsd(["stop", "-t", "0", "web"])).code, 0);
    assert.deepEqual(await waiting.wait(), { code: 0, stdout: "137\n", stderr: "" });
    assert.equal((await following.wait()).code, 0);
    const logged = (await engine.tsd(["logs", id])).stdout;
    assert.equal(following.stdout, logged);
    const tailed = (await tailing.wait()).stdout.replace(/^\S{30} /gm, "");
    assert.ok(logged.endsWith(tailed) && tailed.length > 500, tailed.slice(0, 200));
    await events.waitFor("stop");
    const actions = events.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).Action);
    assert.deepEqual(actions.filter((action) => action !== "kill"), ["pause", "unpause", "die", "stop"]);
  });
}

Deno.test("run -i continues after a reload: input, output, exit code", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const { engine, image } = setup;
  const script = "printf half; n=0; while read line; do n=$((n+1)); echo $line; done; echo got $n; exit 9";
  await using run = engine.session("tsd", ["run", "-i", "--rm", "--network", "none", image, "sh", "-c", script]);
  await run.waitFor("half");
  let written = 0;
  const expected = () => `half${Array.from({ length: written }, (_, n) => `in ${n}\n`).join("")}`;
  const writeSome = async () => {
    for (let n = 0; n < 200; n++) await run.write(`in ${written++}\n`);
  };
  for (let round = 0; round < 3; round++) {
    const writing = writeSome();
    await reload(engine);
    await writing;
    await writeSome();
    await run.waitFor(`in ${written - 1}\n`);
    assert.equal(run.stdout, expected());
  }
  await run.closeStdin();
  const { code, stdout } = await run.wait();
  assert.deepEqual([code, stdout], [9, `${expected()}got ${written}\n`]);
});

Deno.test(
  "run --rm of a container that exits while the engine re-executes itself",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const runs = Array.from({ length: 6 }, (_, n) => {
      const script = `trap 'echo bye; exit 3${n}' TERM; echo ready; while :; do usleep 1000; done`;
      return engine.session("tsd", ["run", "--rm", "--name", `r${n}`, "--network", "none", image, "sh", "-c", script]);
    });
    await using _runs = {
      [Symbol.asyncDispose]: async () => void await Promise.all(runs.map((run) => run[Symbol.asyncDispose]())),
    };
    await Promise.all(runs.map((run) => run.waitFor("ready")));
    const pids = await Promise.all(runs.map(async (_, n) => (await stateOf(engine, `r${n}`)).Pid));
    const reloading = reload(engine);
    for (const pid of pids) {
      Deno.kill(pid, "SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await reloading;
    const ended = await Promise.all(runs.map((run) => run.wait()));
    assert.deepEqual(ended.map(({ code }) => code), [30, 31, 32, 33, 34, 35]);
    assert.deepEqual(ended.map(({ stdout }) => stdout), ended.map(() => "ready\nbye\n"));
  },
);

for (const [how, goAndComeBack] of Object.entries(GOING)) {
  Deno.test(
    `a terminal continues after ${how}: run -it and exec -it`,
    requires("root", "runc", "tmux"),
    async () => {
      await using setup = await startSetup();
      const { engine, image } = setup;
      const env = { PATH: Deno.env.get("PATH") ?? "", HOME: `${engine.dir}/home`, TSD_HOST: engine.host };
      await using screen = await Screen.open({ dir: engine.dir, env });
      const say = async (word: string) => {
        await screen.line(`echo ${word}-$((40+2))`);
        await screen.see(new RegExp(`^${word}-42$`, "m"));
      };
      await screen.line(`${executable()} run -it --rm --name shell --network none ${image} sh; echo code=$?`);
      await screen.see(/^\/ # /m);
      await say("one");
      await untilHeld(engine, 1);
      await goAndComeBack(engine);
      await say("two");
      await screen.resize(90, 20);
      // The size passes tmux, the client and the engine, and typed input may overtake it.
      await screen.line(`until [ "$(stty size)" = "20 90" ]; do sleep 0.1; done; stty size`);
      await screen.see(/^20 90$/m);
      await screen.line("exit 3");
      await screen.see("code=3");
      const id = await runDetached(setup, "exec sleep 1000");
      await screen.line(`${executable()} exec -it ${id} sh; echo exec-code=$?`);
      await screen.see(/^\/ # /m, 2);
      await say("three");
      await goAndComeBack(engine);
      await say("four");
      await screen.line("exit 4");
      await screen.see("exec-code=4");
    },
  );
}

Deno.test(
  "exec -i continues after a reload: input, output, exit code; also if it exits meanwhile",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "exec sleep 1000");
    const script = "printf half; n=0; while read line; do n=$((n+1)); echo $line; done; echo got $n; exit 9";
    await using exec = engine.session("tsd", ["exec", "-i", id, "sh", "-c", script]);
    await exec.waitFor("half");
    await using ending = engine.session("tsd", [
      "exec",
      id,
      "sh",
      "-c",
      "trap 'echo bye; exit 7' TERM; echo $$; while :; do usleep 1000; done",
    ]);
    await ending.waitFor("\n");
    const { ProcessConfig: _, ...before } = await onlyExec(engine, id, "sh");
    let written = 0;
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 100; n++) await exec.write(`in ${written++}\n`);
      await reload(engine);
      await exec.write(`in ${written++}\n`);
      await exec.waitFor(`in ${written - 1}\n`);
    }
    assert.equal((await onlyExec(engine, id, "sh")).Pid, before.Pid);
    const reloading = reload(engine);
    assert.equal((await engine.tsd(["exec", id, "kill", "-TERM", ending.stdout.trim()])).code, 0);
    await reloading;
    const ended = await ending.wait();
    assert.deepEqual([ended.code, ended.stdout.split("\n").at(-2)], [7, "bye"], ended.stderr);
    await exec.closeStdin();
    const { code, stdout } = await exec.wait();
    const lines = Array.from({ length: written }, (_, n) => `in ${n}\n`).join("");
    assert.deepEqual([code, stdout], [9, `half${lines}got ${written}\n`]);
  },
);

Deno.test(
  "after kill -9, running execs are restored, and the others are reported",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "exec sleep 1000");
    const start = async (script: string) => {
      const body = { Cmd: ["sh", "-c", script] };
      const { Id } = (await engine.api.post(`/containers/${id}/exec`, body)).json<{ Id: string }>();
      assert.equal((await engine.api.post(`/exec/${Id}/start`, { Detach: true })).status, 200);
      return Id;
    };
    const inspect = async (exec: string) => (await engine.api.get(`/exec/${exec}/json`)).json<ExecNow>();
    const [long, short] = [
      await start("trap 'exit 6' TERM; while :; do usleep 1000; done"),
      await start("exec sleep 1000"),
    ];
    const { Pid: pid } = await inspect(long);
    const { Pid: shortPid } = await inspect(short);
    await engine.stop("SIGKILL");
    Deno.kill(shortPid, "SIGKILL");
    await until("its end", () => Deno.stat(`/proc/${shortPid}`).then(() => false, () => true));
    await engine.start();
    assert.deepEqual([(await inspect(long)).Running, (await inspect(long)).Pid], [true, pid]);
    const { Running, ExitCode } = await inspect(short);
    assert.deepEqual([Running, ExitCode], [false, null]);
    Deno.kill(pid, "SIGTERM");
    await until("its end", async () => !(await inspect(long)).Running);
    assert.equal((await inspect(long)).ExitCode, 6);
  },
);

Deno.test(
  "exec -i continues after kill -9; the exit code is known if it exits before the next engine starts",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "exec sleep 1000");
    const script = "printf half; while read line; do echo $line; done; exit 9";
    await using exec = engine.session("tsd", ["exec", "-i", id, "sh", "-c", script]);
    await exec.waitFor("half");
    const ends = "trap 'echo bye; exit 7' TERM; echo $$; while :; do usleep 1000; done";
    await using ending = engine.session("tsd", ["exec", "-i", id, "sh", "-c", ends]);
    await ending.waitFor("\n");
    const execs = await execsOf(engine, id);
    const { Pid: pid } = execs.at(-1)!;
    await untilHeld(engine, 3);
    await engine.stop("SIGKILL");
    Deno.kill(pid, "SIGTERM");
    await until("its end", () => Deno.stat(`/proc/${pid}`).then(() => false, () => true));
    await exec.write("meanwhile\n");
    await engine.start();
    await exec.write("again\n");
    await exec.waitFor("meanwhile\nagain\n");
    const ended = await ending.wait();
    assert.deepEqual([ended.code, ended.stdout.split("\n").at(-2)], [7, "bye"], ended.stderr);
    await exec.closeStdin();
    const { code, stdout } = await exec.wait();
    assert.deepEqual([code, stdout], [9, "halfmeanwhile\nagain\n"]);
    await untilHeld(engine, 1);
  },
);

Deno.test(
  "stop continues after a reload; a shutdown requested during a reload is performed",
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    const { engine } = setup;
    const id = await runDetached(setup, "trap '' TERM; while :; do usleep 10000; done");
    await using stopping = engine.session("tsd", ["stop", "-t", "3", id]);
    const reported = async () =>
      (await engine.tsd(["events", "--since", "1m", "--until", "0s", "-f", "event=kill"])).stdout;
    await until("the signal", async () => (await reported()).includes("signal=15"));
    await reload(engine);
    assert.equal((await stopping.wait()).code, 0);
    assert.equal((await stateOf(engine, id)).ExitCode, 137);
    Deno.kill(engine.pid, "SIGHUP");
    await until("its beginning", async () => (await engine.log()).match(/info engine: reloading/g)?.length === 2);
    assert.ok([0, 143].includes(await engine.stop("SIGTERM")));
    await engine.start();
  },
);

interface ExecNow {
  readonly Running: boolean;
  readonly Pid: number;
  readonly ExitCode: number | null;
}

/** Returns a container's running execs. */
async function execsOf(engine: Engine, id: string): Promise<(ExecNow & { ProcessConfig: { entrypoint: string } })[]> {
  const { ExecIDs } = (await engine.api.get(`/containers/${id}/json`)).json<{ ExecIDs: string[] }>();
  const inspect = async (exec: string) => (await engine.api.get(`/exec/${exec}/json`)).json<never>();
  return await Promise.all(ExecIDs.map(inspect));
}

/** Returns a container's first exec. */
async function onlyExec(engine: Engine, id: string, entrypoint: string): Promise<ExecNow & { ProcessConfig: unknown }> {
  const exec = (await execsOf(engine, id))[0]!;
  assert.equal(exec.ProcessConfig.entrypoint, entrypoint);
  return exec;
}
