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
    const second = failed.has(first) ? await runFile(first.name) : first;
    final.push(second);
    if (second === first || hasFailed(second)) continue;
    flaky.push(...first.cases.filter(isFailure).map((test) => ({ file: first.name, test })));
  }
  return { outcomes: final, flaky };
}

const isFailure = ({ outcome }: TestCase) => outcome === "failed";
const hasFailed = ({ cases }: Outcome) => cases.some(isFailure);
