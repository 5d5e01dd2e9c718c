/**
 * Tests that failed are tried once more, alone: the machine may have been too slow for one. What passes then is counted
 * as passed and shown in full as flaky; somebody has to mend it all the same.
 */
import type { TestCase } from "./junit.ts";
import type { Outcome } from "./test_file.ts";

/** More files than this aren't tried again: that many failures are no accident. */
export const MOST_FILES_AGAIN = 3;

/** A test that failed at first, in a file that passed when it was run again. */
export interface Flaky {
  readonly file: string;
  readonly test: TestCase;
}

/** Runs failed files again, unless there are too many. Gives all outcomes with the later ones in place of the former. */
export async function tryAgain(
  outcomes: readonly Outcome[],
  runFile: (file: string) => Promise<Outcome>,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly flaky: readonly Flaky[] }> {
  const failed = new Set(outcomes.filter(hasFailed));
  if (failed.size > MOST_FILES_AGAIN) return { outcomes, flaky: [] };
  const final: Outcome[] = [];
  const flaky: Flaky[] = [];
  for (const first of outcomes) {
    const again = failed.has(first) ? await runFile(first.name) : first;
    const second = again !== first && hasMended(first, again) ? again : first;
    final.push(second);
    if (second === first) continue;
    for (const test of first.cases.filter(isFailure)) flaky.push({ file: first.name, test });
  }
  return { outcomes: final, flaky };
}

/** What failed has to pass: a test that is skipped or missing the second time has shown nothing. */
function hasMended(first: Outcome, second: Outcome): boolean {
  const passed = new Set(second.cases.filter(({ outcome }) => outcome === "passed").map(({ name }) => name));
  return !hasFailed(second) && first.cases.filter(isFailure).every(({ name }) => passed.has(name) || isAboutFile(name));
}

/** A crash or leftovers, which are reported only when they happen. */
const isAboutFile = (name: string) => name.startsWith("(");

const isFailure = ({ outcome }: TestCase) => outcome === "failed";
const hasFailed = ({ cases }: Outcome) => cases.some(isFailure);
