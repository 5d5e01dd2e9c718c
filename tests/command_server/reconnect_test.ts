/** The engine disconnects while it runs commands of shell clients. */
import { strict as assert } from "node:assert";
import { Deadline, executable, type Session } from "../harness/mod.ts";
import { until } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { CommandServerFixture, programOf, SHELLS } from "./setup.ts";

/** Prints a line every 10 ms and `last` at SIGTERM, and exits with 6. */
const LINES = 'trap "echo last; exit 6" TERM; i=0; while :; do echo line $i; i=$((i+1)); usleep 10000; done';

Deno.test("the engine disconnects", requires("root", "runc"), async (test) => {
  await using fixture = await CommandServerFixture.start();
  const { engine, image } = fixture.setup;
  const reload = async () => {
    const { code, stderr } = await fixture.alone(["daemon", "reload"]);
    assert.deepEqual([code, stderr], [0, ""]);
  };
  const kill = () => engine.restart("SIGKILL");

  for (const [name, shell] of Object.entries(SHELLS)) {
    for (const [how, goAndComeBack] of [["reload", reload], ["kill -9", kill]] as const) {
      await test.step(`${name}, ${how}: run, exec and wait continue`, async () => {
        const script = `echo $$ >/tmp/pid; ${LINES}`;
        await using run = fixture.session(shell, [
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
        await using exec = fixture.session(shell, ["exec", "box", "sh", "-c", script]);
        await run.waitFor("line 3\n");
        await exec.waitFor("line 3\n");
        await using wait = fixture.session(shell, ["wait", "job"]);
        for (const client of [run, exec, wait]) await fixture.untilServed(client);
        for (const client of [run, exec, wait]) assert.equal(programOf(client.pid), shell[0]);
        await goAndComeBack();
        for (const client of [run, exec, wait]) await until("a process", () => programOf(client.pid) === "tsd");
        for (const client of [run, exec]) await moreLines(client);
        run.kill("SIGTERM");
        assert.equal((await fixture.served(["exec", "box", "sh", "-c", "kill $(cat /tmp/pid)"])).code, 0);
        for (const client of [run, exec]) {
          const { code, stdout, stderr } = await client.wait();
          assert.deepEqual([code, stderr], [6, ""]);
          const lines = stdout.trimEnd().split("\n");
          assert.equal(lines.pop(), "last");
          // Output between an engine's SIGKILL and the next start is lost, for every client.
          const numbers = lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
          assert.ok(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!), stdout);
          if (how === "reload") assert.deepEqual(numbers, numbers.map((_, index) => index));
        }
        assert.deepEqual(await wait.wait(), { code: 0, stdout: "6\n", stderr: "" });
        await fixture.allFree();
      });
    }
  }

  await test.step("what must not run twice reports a lost connection, as a client process does", async () => {
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
    for (const isServed of [true, false]) {
      const id = (await fixture.alone(stubborn)).stdout.trim();
      const args = ["restart", "-t", "1000", id];
      await using restart = fixture.session(SHELLS.dash, isServed ? args : ["-H", engine.host, ...args]);
      await until(
        "a caller",
        async () => isServed ? (await fixture.taken()).length === 1 : programOf(restart.pid) === "tsd",
      );
      // It has received the signal, and keeps running.
      await until("a signal", async () => (await fixture.alone(["logs", id])).stdout !== "");
      assert.equal(programOf(restart.pid), isServed ? "dash" : "tsd");
      await kill();
      ends.push(await restart.wait());
      assert.equal((await fixture.alone(["rm", "-f", id])).code, 0);
    }
    assert.deepEqual(
      ends,
      Array(2).fill({
        ...{ code: 1, stdout: "" },
        stderr: "tsd: The engine closed the connection in the middle of its answer\n",
      }),
    );
  });

  await test.step("after the engine was killed, any number of new commands fail without waiting", async () => {
    await engine.stop("SIGKILL");
    const soon = new Deadline(9000);
    for (let n = 0; n < 18; n++) {
      const { code, stdout, stderr } = await fixture.process([executable(), "ps"]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /Cannot connect to the engine/);
    }
    assert.ok(!soon.isOver);
    await engine.start();
    await fixture.allFree();
    assert.equal((await fixture.served(["exec", "box", "true"])).code, 0);
  });

  await test.step("stopping the engine releases its clients", async () => {
    await using wait = fixture.session(SHELLS.dash, ["wait", "box"]);
    await fixture.untilServed(wait);
    await engine.stop();
    const { code, stdout, stderr } = await wait.wait();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /Cannot connect to the engine/);
    await engine.start();
  });
});

async function moreLines(client: Session): Promise<void> {
  const seen = client.stdout.length;
  await until("more lines", () => client.stdout.length > seen + 20);
}
