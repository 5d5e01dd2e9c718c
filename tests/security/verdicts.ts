/**
 * What a filter does with each call, from two runs of the probe: with it and without one. That is all there is to compare:
 * what a call comes to without a filter is the kernel's business.
 */
import { errnoName } from "../../src/sys/mod.ts";

/** What the call is denied with, or that nothing tells of a filter; `unclear` where the kernel says what a filter would. */
export type Verdict = "passes" | "unclear" | `denied ${string}`;
/** By `ABI NAME`. */
export type Outcomes = ReadonlyMap<string, string>;
export type Verdicts = ReadonlyMap<string, Verdict>;

/** Lines of the probe: `ABI NAME OUTCOME`. */
export function outcomesOf(output: string): Outcomes {
  const lines = output.trimEnd().split("\n").map((line) => /^(\S+ \S+) (.+)$/.exec(line));
  return new Map(
    lines.map((match) => [match![1]!, match![2]!.replace(/^errno (\d+)$/, (_, nr) => errnoName(Number(nr)) ?? nr)]),
  );
}

/** With these a filter denies calls, and so does the kernel those that it doesn't have, or not for this container. */
const REFUSALS = ["EPERM", "ENOSYS"];

export function verdictsOf(filtered: Outcomes, free: Outcomes): Verdicts {
  const verdict = (outcome: string, without: string | undefined): Verdict => {
    if (outcome !== without) return `denied ${outcome}`;
    return REFUSALS.includes(outcome) ? "unclear" : "passes";
  };
  return new Map([...filtered].map(([call, outcome]) => [call, verdict(outcome, free.get(call))]));
}

/** Whether a verdict is as good as the other one, as far as this machine can tell. @param isYoung see {@link YOUNG_CALLS} */
export function isSameVerdict(requested: Verdict, actual: Verdict, isYoung: boolean): boolean {
  if (requested === actual || requested === "unclear" || actual === "unclear") return true;
  // A library that doesn't know a call can't let it pass: the runtime says then that there is no such call.
  return isYoung && (actual === "denied ENOSYS" || (requested !== "passes" && actual !== "passes"));
}

const WIDTH = 120;

/** The golden file: for each kind of container and each verdict the calls. */
export function render(byVariant: Readonly<Record<string, Verdicts>>): string {
  return Object.entries(byVariant).map(([variant, verdicts]) => {
    const groups = Map.groupBy([...verdicts], ([, verdict]) => verdict);
    const sections = [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([verdict, calls]) =>
      `## ${verdict}\n${wrap(calls.map(([call]) => call.replace(" ", "/")).sort())}\n`
    );
    return `# ${variant}\n${sections.join("")}`;
  }).join("\n");
}

export function parse(golden: string): Record<string, Verdicts> {
  const variants = golden.split(/^# /m).slice(1).map((part): [string, Verdicts] => {
    const [title, ...sections] = part.split(/^## /m);
    const verdicts = sections.flatMap((section) => {
      const [verdict, ...lines] = section.split("\n");
      const calls = lines.join(" ").split(" ").filter((call) => call !== "");
      return calls.map((call): [string, Verdict] => [call.replace("/", " "), verdict as Verdict]);
    });
    return [title!.trim(), new Map(verdicts)];
  });
  return Object.fromEntries(variants);
}

function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join("\n");
}
