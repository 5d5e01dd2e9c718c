/** Prints what tests came to: a line for each file as it ends, the failures in full at the end, the sum last. */
import type { Flaky } from "./again.ts";
import type { TestCase } from "./junit.ts";
import type { Outcome } from "./test_file.ts";

export interface Sum {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function sumOf(outcomes: readonly Outcome[]): Sum {
  const count = (requested: TestCase["outcome"]) =>
    outcomes.flatMap(({ cases }) => cases).filter(({ outcome }) => outcome === requested).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** One line about a file or step that has just ended. */
export function progressLine(outcome: Outcome): string {
  const { passed, failed, skipped } = sumOf([outcome]);
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  const seconds = (outcome.durationMs / 1000).toFixed(1);
  return `${failed > 0 ? "FAIL" : "ok  "}  ${outcome.name}  (${counts.filter(Boolean).join(", ")}, ${seconds} s)`;
}

/** The failed, flaky and skipped tests, the total time, and the closing line. */
export function closingLines(outcomes: readonly Outcome[], durationMs: number, flaky: readonly Flaky[] = []): string[] {
  const { passed, failed, skipped } = sumOf(outcomes);
  const seconds = Math.round(durationMs / 1000);
  return [
    ...named(outcomes, "skipped").map(([outcome, test]) => `skipped: ${outcome.name}: ${test.name}`),
    ...named(outcomes, "failed").flatMap(([outcome, test]) => failureLines(outcome, test)),
    ...flaky.flatMap(flakyLines),
    "",
    `total time: ${Math.floor(seconds / 60)} min ${seconds % 60} s`,
    `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  ];
}

const failureLines = ({ name }: Outcome, test: TestCase): string[] => [
  "",
  `FAILED: ${titleOf(name, test)}`,
  ...indented(test),
];

const flakyLines = ({ file, test }: Flaky): string[] => [
  "",
  `FLAKY: ${titleOf(file, test)} failed at first and passed when its file was run again`,
  ...indented(test),
];

const indented = ({ failure }: TestCase) => failure.split("\n").map((line) => `    ${line}`);

function titleOf(file: string, test: TestCase): string {
  const place = test.position === "" ? file : `${file}:${test.position}`;
  return test.name === file ? test.name : `${test.name}  (${place})`;
}

function named(outcomes: readonly Outcome[], requested: TestCase["outcome"]): Array<[Outcome, TestCase]> {
  return outcomes.flatMap((outcome) =>
    outcome.cases.filter((test) => test.outcome === requested).map((test): [Outcome, TestCase] => [outcome, test])
  );
}
