import { strict as assert } from "node:assert";
import { removeTree } from "../images/test_cache.ts";
import { requires } from "../requires.ts";
import { type Engine, startEngine } from "./engine.ts";
import { snapshotChanges } from "./host_state.ts";
import { runCommand } from "./run_command.ts";

/** Writes a script that runs the fake executable. */
async function withFake(use: (exe: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-fake-" });
  try {
    const script = new URL("testdata/fake_tsd.ts", import.meta.url).pathname;
    await Deno.writeTextFile(
      `${dir}/tsd`,
      `#!/bin/sh\nexec ${Deno.execPath()} run -A --no-config --no-npm ${script} "$@"\n`,
    );
    await Deno.chmod(`${dir}/tsd`, 0o755);
    await use(`${dir}/tsd`);
  } finally {
    await removeTree(dir);
  }
}

const exists = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);

Deno.test(
  "an engine starts, answers, survives a restart, and leaves nothing behind",
  requires("root"),
  () =>
    withFake(async (exe) => {
      let dir = "";
      let pid = 0;
      {
        await using engine = await startEngine({ exe });
        ({ dir, pid } = engine);
        assert.match(await engine.log(), /fake engine starts/);
        assert.equal((await engine.api.get("/_ping")).text(), "OK");
        await engine.restart("SIGKILL");
        assert.notEqual(engine.pid, pid);
        assert.deepEqual(snapshotChanges(await engine.snapshot(), await engine.snapshot()), []);
        await engine.removeContainers();
        assert.deepEqual((await engine.api.get("/containers/json")).json(), []);
      }
      assert.equal(await exists(dir), false);
      assert.equal(await exists(`/proc/${pid}`), false);
    }),
);

Deno.test("leftovers of an engine are reported and removed", requires("root"), () =>
  withFake(async (exe) => {
    for (
      const [leak, message] of [
        ["mount", /The engine left: mount \/.*\/data\/mounted\n/],
        ["process", /The engine left: process \d+ \S*tail -f \/dev\/null/],
        ["descriptor", /The engine left: process \d+ \S*sleep 1001/],
      ] as const
    ) {
      const engine: Engine = await startEngine({ exe, env: { LEAK: leak } });
      await assert.rejects(engine[Symbol.asyncDispose](), message);
      assert.equal(await exists(engine.dir), false);
    }
    assert.doesNotMatch(await Deno.readTextFile("/proc/self/mountinfo"), /data\/mounted/);
  }));

Deno.test("a failed start is an error with the engine's log", requires("root"), () =>
  withFake(async (exe) => {
    await assert.rejects(startEngine({ exe, env: { FAIL: "1" } }), /ended with 3:\nfake engine starts/);
  }));

Deno.test(
  "clients get the host, a separate environment, input, and a deadline",
  requires("root"),
  () =>
    withFake(async (exe) => {
      await using engine = await startEngine({ exe });
      const env = JSON.parse((await engine.tsd(["env"], { env: { EXTRA: "1" } })).stdout);
      assert.equal(env.TSD_HOST, engine.host);
      assert.equal(env.DOCKER_HOST, engine.host);
      assert.equal(env.DOCKER_CONFIG, `${engine.dir}/home/.docker`);
      assert.equal(env.EXTRA, "1");
      assert.equal((await engine.tsd(["cat"], { stdin: "hello" })).stdout, "hello\n");
      assert.deepEqual(await engine.tsd(["exit", "7"]), { code: 7, stdout: "", stderr: "to stderr\n" });
      await assert.rejects(engine.tsd(["hang"], { timeoutMs: 300 }), /not done after 300 ms/);
      const big = ReadableStream.from(Array.from({ length: 64 }, () => new Uint8Array(65536)));
      assert.equal((await engine.tsd(["exit", "0"], { stdin: big })).code, 0);
    }),
);

Deno.test("the docker CLI connects to the engine", requires("root", "docker"), () =>
  withFake(async (exe) => {
    await using engine = await startEngine({ exe });
    assert.deepEqual(await engine.docker(["ps", "--quiet"]), { code: 0, stdout: "a\nb\n", stderr: "" });
  }));

Deno.test(
  "a session: write, wait for output, close the input, wait for the exit",
  requires("root"),
  () =>
    withFake(async (exe) => {
      await using engine = await startEngine({ exe });
      await using session = engine.session("tsd", ["talk"], { timeoutMs: 5000 });
      await session.write("one\n");
      await session.waitFor("heard one");
      await session.write("two\n");
      await session.waitFor(/heard t.o/);
      await session.closeStdin();
      assert.deepEqual(await session.wait(), { code: 0, stdout: "heard one\nheard two\n", stderr: "" });
      await assert.rejects(session.waitFor("never"), /ended without never/);
      await using hanging = engine.session("tsd", ["hang"], { timeoutMs: 100 });
      await assert.rejects(hanging.waitFor("something"), /Waited 100 ms for something/);
    }),
);

Deno.test("a program whose child keeps its output open does not block the deadline", async () => {
  const before = performance.now();
  await assert.rejects(runCommand("sh", ["-c", "sleep 3 & sleep 3"], { timeoutMs: 100 }), /not done/);
  assert.ok(performance.now() - before < 2000);
});
