import "../../src/sys/preopen_testing.ts";
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { runTestFile } from "./test_file.ts";

/** Runs one test file with this text and returns each case as "outcome name", with the failures' texts. */
async function outcomeOf(source: string, timeoutMs = 30_000): Promise<{ cases: string[]; failures: string }> {
  const dir = await Deno.makeTempDir();
  try {
    const file = join(dir, "a_test.ts");
    await Deno.writeTextFile(file, source);
    const { cases } = await runTestFile(file, { timeoutMs });
    return {
      cases: cases.map(({ name, outcome }) => `${outcome} ${name}`),
      failures: cases.map(({ failure }) => failure).join("\n"),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("passing, failing and skipped tests are reported as they are", async () => {
  const { cases, failures } = await outcomeOf(`
    Deno.test("good", () => {});
    Deno.test("bad", () => { throw new Error("boom"); });
    Deno.test({ name: "left out", ignore: true, fn() {} });
  `);
  assert.deepEqual(cases, ["passed good", "failed bad", "skipped left out"]);
  assert.match(failures, /boom/);
});

Deno.test("leaks fail a test", async () => {
  const { cases } = await outcomeOf(`Deno.test("leaky", async () => { await Deno.open("/dev/null"); });`);
  assert.deepEqual(cases, ["failed leaky"]);
});

Deno.test("a file that dies, has no tests, or doesn't load has failed", async () => {
  const died = await outcomeOf(`Deno.test("dies", () => { Deno.kill(Deno.pid, "SIGABRT"); for (;;); });`);
  assert.deepEqual(died.cases, ["failed (the whole file)"]);
  assert.match(died.failures, /was killed by SIGABRT/);
  assert.deepEqual((await outcomeOf(`console.log("nothing here");`)).cases, ["failed (the whole file)"]);
  const broken = await outcomeOf(`import "./missing.ts"; Deno.test("never", () => {});`);
  assert.deepEqual(broken.cases, ["failed (the whole file)"]);
  assert.match(broken.failures, /missing\.ts/);
});

Deno.test("a file that hangs is killed, with what it started", async () => {
  const { cases, failures } = await outcomeOf(
    `Deno.test("hangs", async () => {
      new Deno.Command("sleep", { args: ["3600"] }).spawn();
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    });`,
    1_500,
  );
  assert.deepEqual(cases, ["failed (the whole file)", "failed (after all tests)"]);
  assert.match(failures, /took longer than 1\.5 s and was killed\n(?:.*\n)*hangs \.\.\./);
  assert.match(failures, /process \d+ \(parent \d+, S; 1 \S+\): \S*sleep 3600/);
  assert.match(failures, /process \d+: .*sleep 3600/);
});

Deno.test("a forgotten temporary file is a failure", async () => {
  const { cases, failures } = await outcomeOf(`Deno.test("forgets", async () => { await Deno.makeTempFile(); });`);
  assert.deepEqual(cases, ["passed forgets", "failed (after all tests)"]);
  assert.match(failures, /left behind:\nfile: /);
});

Deno.test("somebody else's file that lies deeper than a path can say disturbs nobody", async () => {
  const dir = await Deno.makeTempDir();
  const script =
    `chdir shift; for (1..25) { mkdir "d" x 200; chdir "d" x 200 } open F, ">f"; $| = 1; print "open\\n"; sleep`;
  const holder = new Deno.Command("perl", { args: ["-e", script, dir], stdout: "piped" }).spawn();
  try {
    const reader = holder.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "open\n");
    await reader.cancel();
    const { cases } = await outcomeOf(`Deno.test("good", () => {});`);
    assert.deepEqual(cases, ["passed good"]);
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
    await Deno.remove(dir, { recursive: true });
  }
});
