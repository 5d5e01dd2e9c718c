/**
 * Runs the project's checks and tests (`./dev test`, `check`, `soak`, `golden`), each test file in a separate process:
 * files in src/ and scripts/, and those of tests/ with private engines, run concurrently; those that observe the whole
 * machine or measure time run one after the other. Ends with the line `N passed, N failed`; the exit code is 1 if
 * anything failed. With `all`, a failed file is rerun once.
 */
import { join, relative } from "node:path";
import { filesBelow, PROJECT_DIR } from "../scripts/project.ts";
import { type Flaky, tryAgain } from "../scripts/testing/again.ts";
import { closingLines, progressLine, sumOf } from "../scripts/testing/report.ts";
import { BUILD_STEP, runStep, STATIC_STEPS, type Step } from "../scripts/testing/steps.ts";
import { type Outcome, runTestFile, type TestFileOptions } from "../scripts/testing/test_file.ts";

/** What a mode of this program runs. */
interface Plan {
  readonly steps: readonly Step[];
  /** Selects test files by their path relative to the project. */
  readonly isSubscribed: (file: string, source: string) => boolean;
  readonly timeoutMs: number;
  /** Reruns failed files once, alone. */
  readonly again?: boolean;
}

const MINUTE_MS = 60_000;
const isTestFile = (file: string) => file.endsWith("_test.ts") && !isSoak(file);
const isSoak = (file: string) => file.startsWith("tests/soak/");

const PLANS: Readonly<Record<string, Plan>> = {
  all: { steps: [...STATIC_STEPS, BUILD_STEP], isSubscribed: isTestFile, timeoutMs: 10 * MINUTE_MS, again: true },
  static: { steps: STATIC_STEPS, isSubscribed: () => false, timeoutMs: 0 },
  soak: {
    steps: [BUILD_STEP],
    isSubscribed: (file, source) => isSoak(file) && /\b(Deno\.test|scenario)\(/.test(source),
    timeoutMs: 6 * 60 * MINUTE_MS,
  },
  golden: {
    steps: [BUILD_STEP],
    isSubscribed: (file, source) => isTestFile(file) && /golden/i.test(source),
    timeoutMs: 10 * MINUTE_MS,
  },
};

/** Tests that can run beside others: prefixes of their paths. */
const SOCIABLE = [
  ...["archives/", "cli/", "docker/", "engine/crash_pull", "files/", "options/", "pull/", "registry/"],
  ...["transcripts/", "volumes/"],
].map((each) => `tests/${each}`);

async function main([mode = "all", ...words]: readonly string[]): Promise<number> {
  const plan = PLANS[mode];
  if (plan === undefined) throw new Error(`tests/run_all.ts knows ${Object.keys(PLANS).join(", ")}, not ${mode}`);
  const started = performance.now();
  const files = (await testFiles(plan)).filter((file) =>
    words.length === 0 || words.some((word) => file.includes(word))
  );
  const { outcomes, flaky } = await runPlan(plan, files, words.length > 0);
  for (const line of closingLines(outcomes, performance.now() - started, flaky)) console.log(line);
  const { passed, failed } = sumOf(outcomes);
  return failed === 0 && passed > 0 ? 0 : 1;
}

async function runPlan(
  plan: Plan,
  files: readonly string[],
  selected: boolean,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly flaky: readonly Flaky[] }> {
  const steps: Outcome[] = [];
  const outcomes: Outcome[] = [];
  const record = (outcome: Outcome) => {
    console.log(progressLine(outcome));
    return outcome;
  };
  // With arguments, the caller wants the results of some files soon: only the build stays, for tests that run the
  // executable.
  const inTests = (file: string) => file.startsWith("tests/");
  const requested = selected ? plan.steps.filter((step) => step === BUILD_STEP && files.some(inTests)) : plan.steps;
  for (const step of requested) steps.push(record(await runStep(step)));
  const options: TestFileOptions = { timeoutMs: plan.timeoutMs };
  const jobs = Math.max(1, navigator.hardwareConcurrency);
  const runFile = async (file: string) => record(await runTestFile(file, options));
  const isSociable = (file: string) => !inTests(file) || SOCIABLE.some((start) => file.startsWith(start));
  const runAll = (chosen: readonly string[], atOnce: number) =>
    forEach(chosen, atOnce, async (file) => void outcomes.push(await runFile(file)));
  await runAll(files.filter(isSociable), jobs);
  await runAll(files.filter((file) => !isSociable(file)), 1);
  const tried = plan.again ? await tryAgain(outcomes, runFile) : { outcomes, flaky: [] };
  return { ...tried, outcomes: [...steps, ...tried.outcomes] };
}

async function testFiles(plan: Plan): Promise<string[]> {
  const all = await Promise.all(["src", "scripts", "bench", "tests"].map((dir) => filesBelow(join(PROJECT_DIR, dir))));
  const found: string[] = [];
  for (const path of all.flat().filter((each) => each.endsWith(".ts"))) {
    const file = relative(PROJECT_DIR, path);
    if (plan.isSubscribed(file, await Deno.readTextFile(path))) found.push(file);
  }
  return found;
}

/** Runs `work` for all items, `jobs` at a time, in order. */
async function forEach<T>(items: readonly T[], jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (const item of rest) await work(item);
  }));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
