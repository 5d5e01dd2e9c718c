/** The engine goes away in the middle of what it does for its callers. */
import { strict as assert } from "node:assert";
import { executable, type Session } from "../harness/mod.ts";
import { until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { HostedWorld, programOf, SHELLS } from "./setup.ts";

/** Says a line each 10 ms, `last` at SIGTERM, and ends with 6. */
const LINES = 'trap "echo last; exit 6" TERM; i=0; while :; do echo line $i; i=$((i+1)); usleep 10000; done';

Deno.test("the engine goes away", requires("root", "runc"), async (test) => {
  await using world = await HostedWorld.start();
  const { engine, image } = world.rig;
  const reload = async () => {
    const { code, stderr } = await world.alone(["daemon", "reload"]);
    assert.deepEqual([code, stderr], [0, ""]);
  };
  const kill = () => engine.restart("SIGKILL");

  for (const [name, shell] of Object.entries(SHELLS)) {
    for (const [how, goAndComeBack] of [["reload", reload], ["kill -9", kill]] as const) {
      await test.step(`${name}, ${how}: run, exec and wait go on`, async () => {
        const script = `echo $$ >/tmp/pid; ${LINES}`;
        await using run = world.session(shell, [
          "run",
          "--rm",
          "--network",
          "none",
          "--name",
          "job",
          image,
          "sh",
          "-c",
          LINES,
        ]);
        await using exec = world.session(shell, ["exec", "box", "sh", "-c", script]);
        await run.waitFor("line 3\n");
        await exec.waitFor("line 3\n");
        await using wait = world.session(shell, ["wait", "job"]);
        for (const caller of [run, exec, wait]) await world.untilServed(caller);
        for (const caller of [run, exec, wait]) assert.equal(programOf(caller.pid), shell[0]);
        await goAndComeBack();
        for (const caller of [run, exec, wait]) await until("a process", () => programOf(caller.pid) === "tsd");
        for (const caller of [run, exec]) await moreLines(caller);
        run.kill("SIGTERM");
        assert.equal((await world.hosted(["exec", "box", "sh", "-c", "kill $(cat /tmp/pid)"])).code, 0);
        for (const caller of [run, exec]) {
          const { code, stdout, stderr } = await caller.wait();
          assert.deepEqual([code, stderr], [6, ""]);
          const lines = stdout.trimEnd().split("\n");
          assert.equal(lines.pop(), "last");
          // Whoever is killed takes what is said until the next one is there with it, for every client.
          const numbers = lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
          assert.ok(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!), stdout);
          if (how === "reload") assert.deepEqual(numbers, numbers.map((_, index) => index));
        }
        assert.deepEqual(await wait.wait(), { code: 0, stdout: "6\n", stderr: "" });
        await world.allFree();
      });
    }
  }

  await test.step("what must not be done twice says that it was cut off, as a process of its own does", async () => {
    const stubborn = [
      "run",
      "-d",
      "--network",
      "none",
      image,
      "sh",
      "-c",
      "trap 'echo told' TERM; while :; do usleep 10000; done",
    ];
    const ends: unknown[] = [];
    for (const isHosted of [true, false]) {
      const id = (await world.alone(stubborn)).stdout.trim();
      const args = ["restart", "-t", "1000", id];
      await using restart = world.session(SHELLS.dash, isHosted ? args : ["-H", engine.host, ...args]);
      await until(
        "a caller",
        async () => isHosted ? (await world.taken()).length === 1 : programOf(restart.pid) === "tsd",
      );
      // It has been told to end, and doesn't.
      await until("a signal", async () => (await world.alone(["logs", id])).stdout !== "");
      assert.equal(programOf(restart.pid), isHosted ? "dash" : "tsd");
      await kill();
      ends.push(await restart.wait());
      assert.equal((await world.alone(["rm", "-f", id])).code, 0);
    }
    assert.deepEqual(
      ends,
      Array(2).fill({
        ...{ code: 1, stdout: "" },
        stderr: "tsd: The engine closed the connection in the middle of its answer\n",
      }),
    );
  });

  await test.step("an engine that was killed: nobody waits for it, however many ask", async () => {
    await engine.stop("SIGKILL");
    const started = performance.now();
    for (let n = 0; n < 18; n++) {
      const { code, stdout, stderr } = await world.process([executable(), "ps"]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /Cannot connect to the engine/);
    }
    assert.ok(performance.now() - started < 9000);
    await engine.start();
    await world.allFree();
    assert.equal((await world.hosted(["exec", "box", "true"])).code, 0);
  });

  await test.step("an engine that is ended lets its callers go", async () => {
    await using wait = world.session(SHELLS.dash, ["wait", "box"]);
    await world.untilServed(wait);
    await engine.stop();
    const { code, stdout, stderr } = await wait.wait();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /Cannot connect to the engine/);
    await engine.start();
  });
});

async function moreLines(caller: Session): Promise<void> {
  const seen = caller.stdout.length;
  await until("more lines", () => caller.stdout.length > seen + 20);
}
