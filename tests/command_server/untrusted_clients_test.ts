/** Clients that are not served, and files planted where clients look. */
import { strict as assert } from "node:assert";
import { executable, type RunResult } from "../harness/mod.ts";
import { until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { CommandServerFixture, NEEDED_PROCESS, SHELLS } from "./setup.ts";

const EXEC = ["exec", "box", "echo", "out"];
const DONE: RunResult = { code: 0, stdout: "out\n", stderr: "" };

Deno.test("untrusted clients", requires("root", "runc"), async (test) => {
  await using fixture = await CommandServerFixture.start();
  const needsProcess = async (
    command: readonly string[],
    why: string,
    args: readonly string[] = EXEC,
    env: Readonly<Record<string, string>> = {},
  ) => {
    const { code, stdout, stderr } = await fixture.process([...command, ...args], {
      env: { TSD_CACHE_DIR: "/proc/nowhere", ...env },
    });
    assert.deepEqual([code, stdout], [125, ""], why);
    assert.match(stderr, new RegExp(NEEDED_PROCESS), why);
    await fixture.allFree();
  };

  await test.step("a client of another build is refused, and runs its command itself", async () => {
    const text = await Deno.readFile(executable());
    const head = new TextDecoder("latin1").decode(text.subarray(0, 32_768));
    const other = head.replace(/^_app=[0-9a-f]{32}$/m, `_app=${"0".repeat(32)}`);
    assert.notEqual(other, head);
    const path = `${fixture.dir}/other`;
    await Deno.writeFile(path, Uint8Array.from(other, (letter) => letter.charCodeAt(0)), { mode: 0o755 });
    await needsProcess([path], "other build");
  });

  await test.step("other mount, PID and user namespaces, and another root", async () => {
    await needsProcess(["unshare", "-m", executable()], "mounts");
    await needsProcess(["unshare", "-p", "-f", executable()], "processes");
    await needsProcess(["unshare", "-U", "-r", executable()], "users");
    assert.deepEqual(await fixture.process(["unshare", "-m", executable(), ...EXEC]), DONE);
    assert.deepEqual(await fixture.process(["unshare", "-p", "-f", executable(), ...EXEC]), DONE);
  });

  await test.step("descriptors that the launcher would use: a lock is kept, a file is read", async () => {
    const { code, stdout, stderr } = await fixture.shell(`
      unset TSD_CACHE_DIR
      : >out
      ( flock -n 9; $tsd exec box sh -c 'echo begun; exec sleep 1' ) 9>lock >out &
      until grep -q begun out; do sleep 0.02; done
      flock -n lock echo lost || echo kept
      wait
      echo A=b >variables
      $tsd exec --env-file /dev/fd/6 box sh -c 'echo $A' 6<variables
    `);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "kept\nb\n", stderr: "" });
  });

  await test.step("configuration in a directory of the client", async () => {
    await Deno.writeTextFile(`${fixture.dir}/config.json`, '{"psFormat": "own {{.Names}}"}');
    await needsProcess([executable()], "DOCKER_CONFIG", ["ps"], { DOCKER_CONFIG: "." });
    const { stdout } = await fixture.process([executable(), "ps"], { env: { DOCKER_CONFIG: "." } });
    assert.equal(stdout, "own box\n");
  });

  await test.step("a client's environment variables reach its command unchanged", async () => {
    const names = ["app", "calls", "seat", "words", "cache", "self"];
    const env = Object.fromEntries(names.map((name) => [name, `my ${name}`]));
    const args = ["exec", ...names.flatMap((name) => ["-e", name]), "box", "env"];
    for (const result of [await fixture.served(args, { env }), await fixture.alone(args, { env })]) {
      for (const name of names) assert.match(result.stdout, new RegExp(`^${name}=my ${name}$`, "m"));
    }
  });

  await test.step("a removed working directory", async () => {
    const script = `mkdir -p gone && cd gone && rmdir ../gone && exec "$@"`;
    await needsProcess(["sh", "-c", script, "sh", executable()], "folder");
  });

  await test.step("a member of the socket's group is served over the socket", async () => {
    const { engine } = fixture.setup;
    const group = 65533;
    await Deno.chown(engine.socketPath, 0, group);
    await Deno.chmod(engine.socketPath, 0o660);
    await Deno.chmod(engine.dir, 0o755);
    const cache = await Deno.makeTempDir({ prefix: "tsd-member-" });
    try {
      await Deno.chown(cache, 65534, group);
      const member = ["setpriv", "--reuid", "65534", "--regid", String(group), "--clear-groups", executable()];
      await needsProcess(member, "member");
      const script = `exec "$@" 2>&1`;
      const served = await fixture.process(["sh", "-c", script, "sh", ...member, ...EXEC], {
        env: { TSD_CACHE_DIR: `${cache}/tsd` },
      });
      assert.deepEqual(served, DONE);
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  });

  for (const [name, shell] of Object.entries(SHELLS)) {
    await test.step(`${name}: claims of exited clients are cleared when no slot is left`, async () => {
      // An engine that notices a client's exit late would remove the new claim of its slot.
      await fixture.allFree();
      const long = new Date(Date.now() - 60_000);
      for (let slot = 0; slot < 16; slot++) {
        await Deno.writeTextFile(`${fixture.calls}/seat.${slot}`, "4194305\n");
        await Deno.utime(`${fixture.calls}/seat.${slot}`, long, long);
      }
      assert.deepEqual(await fixture.process([...shell, executable(), ...EXEC]), DONE);
      await fixture.allFree();
      assert.deepEqual(await fixture.servedBy(shell, EXEC), DONE);
    });
  }

  await test.step("a symlink to the engine's directory is not followed", async () => {
    const socket = `${fixture.dir}/not.sock`;
    await Deno.symlink(fixture.calls, `${socket}.calls`);
    const { code, stderr } = await fixture.process([executable(), ...EXEC], { env: { TSD_HOST: `unix://${socket}` } });
    assert.deepEqual([code, /Cannot connect to the engine/.test(stderr)], [1, true], stderr);
    assert.deepEqual(await fixture.taken(), []);
  });

  await test.step("only root can access the engine's directory, and a new engine replaces what is at its path", async () => {
    const { engine } = fixture.setup;
    const { mode, uid } = await Deno.lstat(fixture.calls);
    assert.deepEqual([mode! & 0o7777, uid], [0o700, 0]);
    await engine.stop();
    await assert.rejects(Deno.lstat(fixture.calls), Deno.errors.NotFound);
    await Deno.mkdir(`${fixture.dir}/precious`);
    await Deno.writeTextFile(`${fixture.dir}/precious/file`, "");
    await Deno.symlink(`${fixture.dir}/precious`, fixture.calls);
    await engine.start();
    await until("seats", async () => (await Deno.lstat(fixture.calls)).isDirectory);
    assert.deepEqual(await fixture.served(EXEC), DONE);
    await Deno.stat(`${fixture.dir}/precious/file`);
  });
});
