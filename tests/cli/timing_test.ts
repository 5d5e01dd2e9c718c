import { strict as assert } from "node:assert";
import { scenario } from "./setup.ts";

interface Line {
  readonly name: string;
  readonly ms: number;
  readonly isPart: boolean;
}

/** Parses the table at the end of a command's standard error. */
function table(stderr: string): Line[] {
  const lines = stderr.slice(stderr.indexOf("phase ")).trimEnd().split("\n").slice(1);
  return lines.map((line) => {
    const [, indent, name, ms] = /^( *)(\S.*?) +(\d+\.\d)$/.exec(line) ?? assert.fail(`no line of the table: ${line}`);
    return { name: name!, ms: Number(ms), isPart: indent !== "" };
  });
}

const phases = (lines: readonly Line[]) => lines.filter(({ isPart }) => !isPart).map(({ name }) => name);

/** Each number is rounded to a tenth separately. */
const roundingMs = (parts: readonly Line[]) => 0.05 * (parts.length + 1) + 0.001;

function addsUp(whole: Line, parts: readonly Line[]): void {
  const sum = parts.reduce((total, { ms }) => total + ms, 0);
  assert(Math.abs(sum - whole.ms) <= roundingMs(parts), `${whole.name} ${whole.ms}: ${JSON.stringify(parts)}`);
}

/** Checks that the total is the sum of the phases, and a phase with parts the sum of its parts. */
function isConsistent(lines: readonly Line[]): void {
  addsUp(lines.at(-1)!, lines.slice(0, -1).filter(({ isPart }) => !isPart));
  lines.forEach((line, index) => {
    const after = lines.slice(index + 1);
    const end = after.findIndex(({ isPart }) => !isPart);
    const parts = line.isPart ? [] : after.slice(0, Math.max(end, 0));
    if (parts.length > 0) addsUp(line, parts);
  });
}

scenario("--timing", {
  "run: the phases add up, and the container's streams are unaffected": async (fixture) => {
    const beganMs = performance.now();
    const { code, stdout, stderr } = await fixture.run(["sh", "-c", "echo out; echo err >&2; sleep 0.3; exit 3"], [
      "--timing",
    ]);
    const tookMs = performance.now() - beganMs;
    assert.deepEqual([code, stdout, stderr.startsWith("err\nphase ")], [3, "out\n", true], stderr);
    const lines = table(stderr);
    assert.deepEqual(phases(lines), ["client start", "connect", "create", "start", "end of the process", "total"]);
    isConsistent(lines);
    const ms = (name: string) => lines.find((line) => line.name === name)!.ms;
    assert(ms("end of the process") >= 200, stderr);
    // The process's start time has a resolution of 10 ms.
    assert(ms("total") <= tookMs + 11, `${tookMs} ms from outside\n${stderr}`);
    const parts = lines.filter(({ isPart }) => isPart).map(({ name }) => name);
    for (const name of ["mount", "spec", "engine, the rest", "request and answer"]) {
      assert(parts.includes(name), stderr);
    }
  },
  "run -d, start, exec and create print their phases": async (fixture) => {
    const cases: readonly (readonly [expected: string[], args: string[]])[] = [
      [["connect", "create"], [
        "create",
        "--timing",
        "--name",
        "job",
        "--network",
        "none",
        fixture.image,
        "sleep",
        "1000",
      ]],
      [["connect", "start job"], ["start", "--timing", "job"]],
      [["connect", "create", "start and run"], [
        "exec",
        "--timing",
        "job",
        "true",
      ]],
      [
        ["connect", "create", "start"],
        ["run", "-d", "--timing", "--name", "more", "--network", "none", fixture.image, "sleep", "1000"],
      ],
    ];
    for (const [expected, args] of cases) {
      const { code, stderr } = await fixture.tsd(...args);
      assert.equal(code, 0, stderr);
      const lines = table(stderr);
      assert.deepEqual(phases(lines), ["client start", ...expected, "total"]);
      isConsistent(lines);
    }
    await fixture.remove("job", "more");
  },
  "a failed command prints its table too, before the error": async (fixture) => {
    const { code, stderr } = await fixture.run(["nosuch"], ["--timing"]);
    assert.equal(code, 127);
    assert.match(stderr, /\nuntil the failure +[\d.]+\ntotal +[\d.]+\ntsd: [^\n]*nosuch[^\n]*\n$/);
  },
});
