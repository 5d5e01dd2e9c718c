import { strict as assert } from "node:assert";
import { expectResult, type Fixture, ON_SIGNAL, scenario } from "./setup.ts";

/** Creates a container that printed `lines`, each at least 20 ms after the previous one, and has exited. */
async function printed(fixture: Fixture, name: string, lines: readonly string[]): Promise<void> {
  const script = lines.map((line) => `echo ${line}`).join("; sleep 0.02; ");
  await fixture.background(name, ["sh", "-c", script]);
  expectResult(await fixture.tsd("wait", name), { stdout: "0\n" });
}

scenario("tsd logs", {
  "each line goes to its stream, including a line without a newline": async (fixture) => {
    await fixture.background("mixed", ["sh", "-c", "echo out; echo err >&2; printf tail"]);
    await fixture.tsd("wait", "mixed");
    expectResult(await fixture.tsd("logs", "mixed"), { stdout: "out\ntail", stderr: "err\n" });
    await fixture.remove("mixed");
  },
  "binary data, long lines and many lines are returned unchanged": async (fixture) => {
    const script =
      "head -c 40000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done";
    await fixture.background("long", ["sh", "-c", script]);
    await fixture.tsd("wait", "long");
    const { stdout } = await fixture.tsd("logs", "long");
    const numbers = Array.from({ length: 2000 }, (_, number) => `${number}\n`).join("");
    assert.equal(stdout, `${"x".repeat(40000)}\n${numbers}`);
    await fixture.remove("long");
  },
  "--tail": async (fixture) => {
    await printed(fixture, "five", ["1", "2", "3", "4", "5"]);
    const cases: readonly (readonly [tail: string, stdout: string])[] = [
      ["2", "4\n5\n"],
      ["0", ""],
      ["5", "1\n2\n3\n4\n5\n"],
      ["99", "1\n2\n3\n4\n5\n"],
      ["all", "1\n2\n3\n4\n5\n"],
    ];
    for (const [tail, stdout] of cases) expectResult(await fixture.tsd("logs", "--tail", tail, "five"), { stdout });
    expectResult(await fixture.tsd("logs", "-n", "1", "five"), { stdout: "5\n" });
    await fixture.remove("five");
  },
  "-t, --since and --until": async (fixture) => {
    await printed(fixture, "timed", ["1", "2", "3"]);
    const { stdout } = await fixture.tsd("logs", "-t", "timed");
    const lines = stdout.trimEnd().split("\n").map((line) => line.split(" "));
    assert.deepEqual(lines.map(([, text]) => text), ["1", "2", "3"]);
    const [first, second] = lines.map(([time]) => time) as [string, string, string];
    for (const [time] of lines) assert.match(time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok(first < second);
    const seconds = (time: string) => `${Math.floor(Date.parse(time) / 1000)}.${/\.(\d{9})/.exec(time)![1]}`;
    const cases: readonly (readonly [flags: string[], stdout: string])[] = [
      [["--since", second], "2\n3\n"],
      [["--since", seconds(second)], "2\n3\n"],
      [["--until", second], "1\n2\n"],
      [["--since", second, "--until", second], "2\n"],
      [["--since", "1h"], "1\n2\n3\n"],
      [["--until", "1h"], ""],
      [["--since", "2000-01-01"], "1\n2\n3\n"],
      [["--since", second, "--tail", "1"], "3\n"],
      [["--since", "2100-01-01T00:00:00Z"], ""],
    ];
    for (const [flags, expected] of cases) {
      const result = await fixture.tsd("logs", ...flags, "timed");
      assert.deepEqual([flags, result.stdout], [flags, expected]);
      assert.deepEqual([result.code, result.stderr], [0, ""]);
    }
    await fixture.remove("timed");
  },
  "-f shows existing output, then new output until the container exits": async (fixture) => {
    const script = `${ON_SIGNAL.set}; echo before; ${ON_SIGNAL.wait}; echo after; echo err >&2; exit 1`;
    await fixture.background("followed", ["sh", "-c", script]);
    await using session = fixture.engine.session("tsd", ["logs", "-f", "followed"]);
    await session.waitFor("before\n");
    assert.equal(session.stdout, "before\n");
    expectResult(await fixture.tsd("kill", "-s", "USR1", "followed"), { stdout: "followed\n" });
    expectResult(await session.wait(), { stdout: "before\nafter\n", stderr: "err\n" });
    // For an exited container, -f shows all output and ends.
    expectResult(await fixture.tsd("logs", "-f", "followed"), { stdout: "before\nafter\n", stderr: "err\n" });
    await fixture.remove("followed");
  },
  "-f --tail": async (fixture) => {
    const script = `${ON_SIGNAL.set}; echo 1; echo 2; echo 3; ${ON_SIGNAL.wait}; echo 4`;
    await fixture.background("tailed", ["sh", "-c", script]);
    await using session = fixture.engine.session("tsd", ["logs", "-f", "--tail", "1", "tailed"]);
    await session.waitFor("3\n");
    expectResult(await fixture.tsd("kill", "-s", "USR1", "tailed"), { stdout: "tailed\n" });
    expectResult(await session.wait(), { stdout: "3\n4\n" });
    await fixture.remove("tailed");
  },
  "-f loses nothing of a fast writer, and ends when the container is removed": async (fixture) => {
    const script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; sleep 1000";
    await fixture.background("fast", ["sh", "-c", script]);
    await using session = fixture.engine.session("tsd", ["logs", "-f", "fast"]);
    await session.waitFor("line 19999\n");
    await fixture.remove("fast");
    const { code, stdout } = await session.wait();
    const lines = Array.from({ length: 20000 }, (_, number) => `line ${number}\n`).join("");
    assert.deepEqual([code, stdout.length, stdout === lines], [0, lines.length, true]);
  },
  "a follower that disconnects is released": async (fixture) => {
    await fixture.background("left");
    await using session = fixture.engine.session("tsd", ["logs", "-f", "left"]);
    session.kill("SIGINT");
    assert.notEqual((await session.wait()).code, 0);
    await fixture.remove("left");
  },
  "output of a detached container is logged, with --rm until it exits": async (fixture) => {
    await fixture.background("alone", ["sh", "-c", "echo hello; sleep 1000"], ["--rm"]);
    await fixture.until("its output", async () => (await fixture.tsd("logs", "alone")).stdout === "hello\n");
    expectResult(await fixture.tsd("kill", "alone"), { stdout: "alone\n" });
    await fixture.until("its removal", async () => (await fixture.containers()).length === 0);
    expectResult(await fixture.tsd("logs", "alone"), { code: 1, stderr: "tsd: No such container: alone\n" });
  },
});
