/** Shell clients whose commands the engine runs: signals, termination, many clients, slow readers. */
import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { CommandServerFixture, programOf, SHELLS } from "./setup.ts";

const TRAPS = 'trap "echo got TERM; exit 5" TERM; trap "echo got INT" INT; echo ready; while :; do usleep 10000; done';

Deno.test("shell clients", requires("root", "runc"), async (test) => {
  await using fixture = await CommandServerFixture.start();
  const { image } = fixture.setup;
  const runTraps = ["run", "--rm", "--network", "none", image, "sh", "-c", TRAPS];
  // Resources that are opened once and kept are open from here on.
  for (const args of [["exec", "box", "true"], ["run", "--rm", "--network", "none", image, "true"]]) {
    assert.equal((await fixture.served(args)).code, 0);
  }
  const before = await fixture.descriptors();

  for (const [name, shell] of Object.entries(SHELLS)) {
    await test.step(`${name}: a command, its streams and its exit code`, async () => {
      const { code, stdout, stderr } = await fixture.servedBy(shell, [
        ...["exec", "-e", "A= b", "box", "sh", "-c", 'echo "out$A"; echo err >&2; exit 7'],
      ]);
      assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "out b\n", stderr: "err\n" });
    });

    await test.step(`${name}: signals go to the container, and the client stays a shell`, async () => {
      await using run = fixture.session(shell, runTraps);
      await run.waitFor("ready");
      assert.equal(programOf(run.pid), shell[0]);
      run.kill("SIGINT");
      await run.waitFor("got INT");
      run.kill("SIGTERM");
      assert.deepEqual(await run.wait(), { code: 5, stdout: "ready\ngot INT\ngot TERM\n", stderr: "" });
    });

    await test.step(`${name}: a signal terminates an exec's client, and its slot becomes free`, async () => {
      for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGKILL", 137]] as const) {
        await using exec = fixture.session(shell, ["exec", "box", "sh", "-c", "echo $$; exec sleep 1000"]);
        await exec.waitFor("\n");
        assert.equal(programOf(exec.pid), shell[0]);
        exec.kill(signal);
        assert.equal((await exec.wait()).code, code, signal);
        await fixture.served(["exec", "box", "kill", "-9", exec.stdout.trim()]);
      }
      await fixture.allFree();
    });
  }

  await test.step("killing run's client leaves the container running", async () => {
    await using run = fixture.session(SHELLS.dash, [
      "run",
      "--name",
      "left",
      "--network",
      "none",
      image,
      "sh",
      "-c",
      TRAPS,
    ]);
    await run.waitFor("ready");
    run.kill("SIGKILL");
    assert.equal((await run.wait()).code, 137);
    await fixture.allFree();
    const state = await fixture.served(["inspect", "--format", "{{.State.Running}}", "left"]);
    assert.equal(state.stdout, "true\n");
    assert.equal((await fixture.served(["rm", "-f", "left"])).code, 0);
  });

  await test.step("run that ignores a signal to forward runs in a client process", async () => {
    const script = `trap "" INT; exec "$@"`;
    await using run = fixture.session(["sh", "-c", script, "sh", ...SHELLS.dash], runTraps);
    await run.waitFor("ready");
    assert.notEqual(programOf(run.pid), "dash");
    run.kill("SIGINT");
    await run.waitFor("got INT");
    run.kill("SIGTERM");
    assert.equal((await run.wait()).code, 5);
  });

  await test.step("a slow reader blocks only its own command", async () => {
    const megabytes = 100;
    const script = `
      mkfifo slow; $tsd exec box head -c ${megabytes}000000 /dev/zero >slow & caller=$!
      exec 5<slow
      for n in $(seq 20); do $tsd version >/dev/null; done
      readlink /proc/$caller/exe >&2
      wc -c <&5; wait $caller`;
    const { code, stdout, stderr } = await fixture.shell(script);
    assert.deepEqual([code, stdout, stderr.replace(/^.*\//, "")], [0, `${megabytes}000000\n`, "dash\n"]);
  });

  await test.step("a client that is killed while its reader is blocked leaves nothing behind once the reader exits", async () => {
    const script = `
      mkfifo stuck; $tsd exec box head -c 10000000 /dev/zero >stuck & caller=$!
      exec 5<stuck; head -c 1 <&5 >/dev/null
      kill -9 $caller; wait $caller || echo $?
      while ls $calls | grep -q seat; do sleep 0.01; done
      $tsd exec box echo next`;
    const { code, stdout } = await fixture.shell(script);
    assert.deepEqual([code, stdout], [0, "137\nnext\n"]);
    await fixture.noMoreDescriptors(before);
  });

  await test.step("clients beyond the number of slots run their commands themselves", async () => {
    const script = `
      for n in $(seq 24); do
        $tsd exec box sh -c "echo $n; until [ -e /tmp/go ]; do usleep 20000; done; exit $n" >many.$n &
        pids="$pids $!"
      done
      until [ "$(ls $calls | grep -c seat)" = 16 ] && [ "$(cat many.* 2>/dev/null | wc -l)" = 24 ]; do sleep 0.02; done
      for pid in $pids; do readlink /proc/$pid/exe; done | grep -c dash
      $alone exec box touch /tmp/go
      for pid in $pids; do wait $pid || codes="$codes $?"; done; echo $codes; cat many.* | sort -n | tr '\\n' ' '`;
    const { code, stdout, stderr } = await fixture.shell(`pids= codes=; ${script}`, { env: { TSD_CACHE_DIR: "" } });
    const numbers = Array.from({ length: 24 }, (_, n) => n + 1).join(" ");
    assert.deepEqual([code, stdout, stderr], [0, `16\n${numbers}\n${numbers} `, ""]);
    await fixture.allFree();
  });

  await test.step("nothing is left behind", async () => {
    await fixture.allFree();
    await fixture.noMoreDescriptors(before);
  });
});
