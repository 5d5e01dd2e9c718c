/**
 * Logs of a real engine: options, size limits, followers with both clients, binary output, clearing, a killed engine.
 */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";

const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");

/** Returns a `--log-opt` flag for each option. */
const logOptions = (options: Readonly<Record<string, string>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => ["--log-opt", `${name}=${value}`]);

/** Returns shell code that waits for a file in the container; see {@link signal}. */
const awaited = (name: string) => `while [ ! -e /${name} ]; do sleep 0.02; done`;

async function signal(fixture: Fixture, container: string, name: string): Promise<void> {
  expectResult(await fixture.tsd("exec", container, "touch", `/${name}`), {});
}

/** Returns the total size of a container's log files. */
function logBytes({ engine }: Fixture, id: string): number {
  const dir = `${engine.dataRoot}/containers/${id}`;
  let total = 0;
  for (const { name } of Deno.readDirSync(dir)) {
    try {
      if (name.includes("-json.log")) total += Deno.statSync(`${dir}/${name}`).size;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // Rotated between the two calls.
    }
  }
  return total;
}

scenario("logs with a size limit", {
  "options are shown by inspect and --details, and refused with Docker's messages": async (fixture) => {
    const flags = logOptions({ "max-size": "1m", "max-file": "3", labels: "team", env: "STAGE", tag: "{{.Name}}" });
    const more = ["--label", "team=blue green", "-e", "STAGE=test"];
    await fixture.background("options", ["echo", "hello"], [...flags, ...more]);
    await fixture.tsd("wait", "options");
    for (const client of [fixture.tsd.bind(fixture), fixture.docker.bind(fixture)]) {
      expectResult(await client("logs", "--details", "options"), {
        stdout: "STAGE=test,tag=options,team=blue+green hello\n",
      });
    }
    const shown = await fixture.docker("inspect", "-f", "{{json .HostConfig.LogConfig}}", "options");
    assert.deepEqual(JSON.parse(shown.stdout), {
      Type: "json-file",
      Config: { "max-size": "1m", "max-file": "3", labels: "team", env: "STAGE", tag: "{{.Name}}" },
    });
    await fixture.remove("options");
    const refused = await fixture.docker("create", "--log-opt", "max-sice=1m", fixture.image);
    expectResult(refused, { code: 1, stderr: /unknown log opt 'max-sice' for json-file log driver/ });
    const wrong = await fixture.tsd("create", "--log-opt", "max-size=big", fixture.image);
    expectResult(wrong, { code: 1, stderr: /invalid size: 'big'/ });
  },
  "without a log a container runs, and its log cannot be read or cleared": async (fixture) => {
    expectResult(await fixture.run(["echo", "x"], ["--name", "silent", "--log-driver", "none"]), { stdout: "x\n" });
    await fixture.background("silent", ["echo", "x"], ["--log-driver", "none"]);
    await fixture.tsd("wait", "silent");
    const reading = "configured logging driver does not support reading\n";
    expectResult(await fixture.tsd("logs", "silent"), { code: 1, stderr: `tsd: ${reading}` });
    expectResult(await fixture.docker("logs", "silent"), { code: 1, stderr: `Error response from daemon: ${reading}` });
    expectResult(await fixture.tsd("logs", "--clear", "silent"), { code: 1, stderr: /its log driver is none/ });
    await fixture.remove("silent");
  },
  "followers with both clients get every line of a flood once, within the size limit": async (fixture) => {
    const script = `echo 0; ${awaited("go")}; seq 1 100000`;
    const options = logOptions({ "max-size": "50k", "max-file": "3" });
    const id = await fixture.background("flood", ["sh", "-c", script], options);
    await using mine = fixture.engine.session("tsd", ["logs", "-f", "flood"]);
    await using dockers = fixture.engine.session("docker", ["logs", "-f", "flood"]);
    await Promise.all([mine.waitFor("0\n"), dockers.waitFor("0\n")]);
    await signal(fixture, "flood", "go");
    let peak = 0;
    const sampler = setInterval(() => peak = Math.max(peak, logBytes(fixture, id)), 2);
    const results = await Promise.all([mine.wait(), dockers.wait()]).finally(() => clearInterval(sampler));
    for (const { code, stdout, stderr } of results) {
      assert.deepEqual([code, stderr, stdout.length], [0, "", numbers(0, 100_000).length]);
      assert.ok(stdout === numbers(0, 100_000), "lines in another order");
    }
    assert.ok(peak > 100_000 && peak < 151_000, `${peak} bytes`);
    const last = await fixture.tsd("logs", "--tail", "3", "flood");
    expectResult(last, { stdout: numbers(99_998, 100_000) });
    await fixture.remove("flood");
  },
  "a stopped follower blocks the container only briefly": async (fixture) => {
    const script = `echo 0; ${awaited("go")}; seq 1 300000; touch /done; sleep 1000`;
    await fixture.background("asleep", ["sh", "-c", script], logOptions({ "max-size": "20k", "max-file": "2" }));
    await using follower = fixture.engine.session("tsd", ["logs", "-f", "asleep"]);
    await follower.waitFor("0\n");
    follower.kill("SIGSTOP");
    await signal(fixture, "asleep", "go");
    await fixture.until(
      "the writer",
      async () => (await fixture.tsd("exec", "asleep", "test", "-e", "/done")).code === 0,
    );
    follower.kill("SIGCONT");
    await follower.waitFor("\n300000\n");
    await fixture.remove("asleep");
  },
  "both clients return binary output unchanged": async (fixture) => {
    const { stdout } = await fixture.shell(`
      "$tsd" run --network none --name bytes "$image" sh -c 'head -c 300000 /dev/urandom | tee /copy' | sha256sum
      "$tsd" logs bytes | sha256sum
      docker logs bytes | sha256sum`);
    const digests = stdout.trim().split("\n").map((line) => line.split(" ")[0]);
    assert.equal(digests.length, 3);
    assert.equal(new Set(digests).size, 1, stdout);
    await fixture.remove("bytes");
  },
  "--clear: running and stopped, with a follower": async (fixture) => {
    const script = `seq 1 5000; ${awaited("go")}; seq 5001 5010`;
    const id = await fixture.background(
      "cleared",
      ["sh", "-c", script],
      logOptions({ "max-size": "20k", "max-file": "5" }),
    );
    await using follower = fixture.engine.session("tsd", ["logs", "-f", "cleared"]);
    await follower.waitFor("\n5000\n");
    expectResult(await fixture.tsd("logs", "--clear", "cleared"), {});
    expectResult(await fixture.tsd("logs", "cleared"), {});
    assert.equal(logBytes(fixture, id), 0);
    await signal(fixture, "cleared", "go");
    assert.ok((await follower.wait()).stdout.endsWith(numbers(4999, 5010)));
    expectResult(await fixture.tsd("logs", "cleared"), { stdout: numbers(5001, 5010) });
    expectResult(await fixture.tsd("logs", "--clear", "cleared"), {});
    expectResult(await fixture.docker("logs", "cleared"), {});
    expectResult(await fixture.tsd("start", "-a", "cleared"), { stdout: numbers(1, 5000) + numbers(5001, 5010) });
    await fixture.remove("cleared");
  },
  "compressed files are read like the others, also after the container has stopped": async (fixture) => {
    const script = `seq 1 20000; ${awaited("go")}; seq 20001 20010`;
    const options = logOptions({ "max-size": "100k", "max-file": "50", compress: "true" });
    const id = await fixture.background("packed", ["sh", "-c", script], options);
    const dir = `${fixture.engine.dataRoot}/containers/${id}`;
    const isPacked = () => [...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".gz")).length > 10;
    await fixture.until("compressed files", () => Promise.resolve(isPacked()));
    await signal(fixture, "packed", "go");
    await fixture.tsd("wait", "packed");
    expectResult(await fixture.tsd("logs", "packed"), { stdout: numbers(1, 20_010) });
    expectResult(await fixture.docker("logs", "--tail", "19000", "packed"), { stdout: numbers(1011, 20_010) });
    await fixture.remove("packed");
  },
  "a killed engine loses no line, of many containers or of one with much output": async (fixture) => {
    const quiet = ["a", "b", "c", "d", "e"].map((letter) => `quiet${letter}`);
    const script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; sleep 1000";
    for (const name of quiet) await fixture.background(name, ["sh", "-c", script]);
    await fixture.background(
      "loud",
      ["sh", "-c", "seq 1 200000; sleep 1000"],
      logOptions({ "max-size": "9m", "max-file": "9" }),
    );
    await fixture.engine.restart("SIGKILL");
    const ends = (name: string, last: number) =>
      fixture.until(`the end of ${name}`, async () => (await fixture.tsd("logs", "-n1", name)).stdout === `${last}\n`);
    for (const name of quiet) {
      await ends(name, 3000);
      // Output that was written but not yet removed from the pipe may be duplicated.
      assert.equal(withoutRepetition((await fixture.tsd("logs", name)).stdout), numbers(1, 3000));
    }
    await ends("loud", 200_000);
    assert.ok(withoutRepetition((await fixture.tsd("logs", "loud")).stdout) === numbers(1, 200_000));
    await fixture.remove(...quiet, "loud");
  },
});

/** Removes repeated numbers: those that are not above all previous ones. */
function withoutRepetition(text: string): string {
  let last = 0;
  return text.split("\n").filter((line) => {
    const isNew = Number(line) === last + 1;
    if (isNew) last++;
    return isNew;
  }).map((line) => `${line}\n`).join("");
}
