import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "./setup.ts";

const MEBIBYTE = 1 << 20;

/** Writes random bytes, so that lost, duplicated or swapped data is detected. */
async function randomFile(fixture: Fixture, name: string, sizeBytes: number): Promise<void> {
  const block = new Uint8Array(65536);
  using file = await Deno.create(`${fixture.dir}/${name}`);
  for (let left = sizeBytes; left > 0; left -= block.length) {
    await file.write(crypto.getRandomValues(block).subarray(0, Math.min(left, block.length)));
  }
}

scenario("tsd run: streams", {
  "stdout and stderr are kept apart, also without a final newline": async (fixture) => {
    const script = "printf 'out 1\\n'; printf 'err 1\\n' >&2; printf 'out 2'; printf 'err 2' >&2";
    expectResult(await fixture.run(["sh", "-c", script]), { stdout: "out 1\nout 2", stderr: "err 1\nerr 2" });
  },
  "binary data arrives unchanged": async (fixture) => {
    const script = `$tsd run --rm --network none $image printf '\\377\\000\\001\\r\\n\\n' | od -An -tx1`;
    expectResult(await fixture.shell(script), { stdout: " ff 00 01 0d 0a 0a\n" });
  },
  "-i transfers several megabytes in both directions unchanged": async (fixture) => {
    await randomFile(fixture, "in", 5 * MEBIBYTE + 12345);
    expectResult(await fixture.shell("$tsd run --rm -i --network none $image cat <in >out; cmp in out"), {});
    const digest = (await fixture.shell("sha256sum <in")).stdout;
    const flags = "--rm -i --network none $image";
    expectResult(await fixture.shell(`cat in | $tsd run ${flags} sh -c 'cat; echo err >&2; exit 3' >out || echo $?`), {
      stdout: "3\n",
      stderr: "err\n",
    });
    expectResult(await fixture.shell("cmp in out"), {});
    expectResult(await fixture.shell(`$tsd run ${flags} sha256sum <in`), { stdout: digest });
  },
  "large output on both streams at once": async (fixture) => {
    const script = "head -c 3000000 /dev/zero & head -c 2000000 /dev/zero >&2; wait";
    const command = `$tsd run --rm --network none $image sh -c '${script}' >out 2>err; stat -c %s out err`;
    expectResult(await fixture.shell(command), { stdout: "3000000\n2000000\n" });
  },
  "without -i standard input is empty": async (fixture) => {
    expectResult(
      await fixture.engine.tsd(["run", "--rm", "--network", "none", fixture.image, "cat"], { stdin: "lost" }),
      {},
    );
  },
  "-i: input that the container does not read blocks nothing": async (fixture) => {
    await randomFile(fixture, "in", 2 * MEBIBYTE);
    const flags = "--rm -i --network none $image";
    expectResult(await fixture.shell(`$tsd run ${flags} true <in`), {});
    expectResult(await fixture.shell(`cat in | $tsd run ${flags} head -c 10 | wc -c`), { stdout: "10\n" });
    // With an idle standard input, the client exits when the container does.
    await using session = fixture.engine.session("tsd", [
      "run",
      "--rm",
      "-i",
      "--network",
      "none",
      fixture.image,
      "true",
    ]);
    expectResult(await session.wait(), {});
  },
  "start -ai: end of input does not end a container that keeps its standard input open": async (fixture) => {
    const script = "sleep 0.5; exit 5";
    const made = `$tsd run -di --name later --network none $image sh -c '${script}'; $tsd wait later`;
    assert.match((await fixture.shell(made)).stdout, /^[0-9a-f]{64}\n5\n$/);
    expectResult(await fixture.shell("$tsd start -ai later </dev/null || echo $?"), { stdout: "5\n" });
    const since = `--since 1m --until 0s --filter event=attach --filter container=later`;
    expectResult(await fixture.shell(`$tsd events ${since} | wc -l; $tsd rm later`), { stdout: "1\nlater\n" });
  },
  "-i: an interactive conversation": async (fixture) => {
    const script = 'while read line; do echo "heard $line"; done; echo end';
    const args = ["run", "--rm", "-i", "--network", "none", fixture.image, "sh", "-c", script];
    await using session = fixture.engine.session("tsd", args);
    await session.write("one\n");
    await session.waitFor("heard one\n");
    await session.write("two\n");
    await session.waitFor("heard two\n");
    await session.closeStdin();
    expectResult(await session.wait(), { stdout: "heard one\nheard two\nend\n" });
  },
  "a closed output pipe ends the client; the container keeps running, as in Docker": async (fixture) => {
    const script = "$tsd run --name loud --network none $image sh -c 'while echo y; do :; done' | head -n 1";
    expectResult(await fixture.shell(script), { stdout: "y\n" });
    expectResult(await fixture.tsd("ps", "--format", "json"), { stdout: /"Names":"loud".*"State":"running"/ });
    await fixture.remove("loud");
  },
});

scenario("tsd run: exit codes and signals", {
  "exit codes of the process": async (fixture) => {
    for (const code of [0, 1, 42, 124, 255]) expectResult(await fixture.run(["sh", "-c", `exit ${code}`]), { code });
  },
  "a process that a signal terminated gives 128 + n": async (fixture) => {
    // The kernel ignores signals that a PID 1 without handlers sends to itself, so another process is needed.
    for (const [signal, code] of [["KILL", 137], ["SEGV", 139], ["TERM", 143]] as const) {
      const script = `sh -c 'kill -${signal} $$'; exit $?`;
      expectResult(await fixture.run(["sh", "-c", script]), {
        code,
        stderr: /^(Terminated|Killed|Segmentation fault)?\n?$/,
      });
    }
    const args = [
      "run",
      "--rm",
      "--name",
      "victim",
      "--network",
      "none",
      fixture.image,
      "sh",
      "-c",
      "echo up; sleep 1000",
    ];
    await using session = fixture.engine.session("tsd", args);
    await session.waitFor("up\n");
    expectResult(await fixture.tsd("kill", "victim"), { stdout: "victim\n" });
    expectResult(await session.wait(), { code: 137, stdout: "up\n" });
  },
  "125, 126 and 127 are tsd's": async (fixture) => {
    const start =
      /^tsd: failed to create task for container: [^\n]*runc create failed: unable to start container process: /;
    const text = (rest: string) => new RegExp(`${start.source}${rest}\\n$`);
    const missing = { code: 127, stderr: text('exec: "nope": executable file not found in \\$PATH: unknown') };
    expectResult(await fixture.run(["nope"]), missing);
    expectResult(await fixture.run(["/no/where"]), {
      ...{ code: 127, stderr: text('exec: "/no/where": stat /no/where: no such file or directory: unknown') },
    });
    expectResult(await fixture.run(["/etc/passwd"]), {
      code: 126,
      stderr: text('exec: "/etc/passwd": permission denied: unknown'),
    });
    expectResult(await fixture.run(["/etc"]), {
      code: 126,
      stderr: text('exec: "/etc": (is a directory: unknown: permission denied|permission denied: unknown)'),
    });
    expectResult(await fixture.run(["true"], ["--workdir", "rel"]), {
      code: 125,
      stderr: /^tsd: the working directory 'rel' is invalid/,
    });
  },
  "SIGINT, SIGTERM and SIGHUP are forwarded": async (fixture) => {
    const script =
      'for s in INT TERM HUP; do trap "echo got $s; exit 7" $s; done; echo ready; while :; do sleep 0.02; done';
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const args = ["run", "--rm", "--network", "none", fixture.image, "sh", "-c", script];
      await using session = fixture.engine.session("tsd", args);
      await session.waitFor("ready\n");
      session.kill(signal);
      expectResult(await session.wait(), { code: 7, stdout: `ready\ngot ${signal.slice(3)}\n` });
    }
  },
  "--sig-proxy=false forwards no signals": async (fixture) => {
    const args = ["run", "--name", "alone", "--sig-proxy=false", "--network", "none", fixture.image];
    await using session = fixture.engine.session("tsd", [...args, "sh", "-c", "echo ready; sleep 1000"]);
    await session.waitFor("ready\n");
    session.kill("SIGINT");
    assert.notEqual((await session.wait()).code, 0);
    expectResult(await fixture.tsd("ps", "--format", "json"), { stdout: /"Names":"alone".*"State":"running"/ });
    await fixture.remove("alone");
  },
  "killing the client leaves the container running": async (fixture) => {
    const args = ["run", "--name", "orphan", "--network", "none", fixture.image, "sh", "-c", "echo ready; sleep 1000"];
    await using session = fixture.engine.session("tsd", args);
    await session.waitFor("ready\n");
    session.kill("SIGKILL");
    assert.equal((await session.wait()).code, 137);
    expectResult(await fixture.tsd("stop", "-t", "0", "orphan"), { stdout: "orphan\n" });
    await fixture.remove("orphan");
  },
});
