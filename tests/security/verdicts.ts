/**
 * A filter's verdict on each call, from two runs of the probe: with the filter and without one. Only these are
 * compared: the result of a call without a filter depends on the kernel.
 */
import { errnoName } from "../../src/sys/mod.ts";

/**
 * The error that the filter denies the call with, or `passes`; `unclear` if the kernel gives the same error without a
 * filter.
 */
export type Verdict = "passes" | "unclear" | `denied ${string}`;
/** By `ABI NAME`. */
export type Outcomes = ReadonlyMap<string, string>;
export type Verdicts = ReadonlyMap<string, Verdict>;

/** Parses lines of the probe: `ABI NAME OUTCOME`. */
export function outcomesOf(output: string): Outcomes {
  const lines = output.trimEnd().split("\n").map((line) => /^(\S+ \S+) (.+)$/.exec(line));
  return new Map(
    lines.map((match) => [match![1]!, match![2]!.replace(/^errno (\d+)$/, (_, nr) => errnoName(Number(nr)) ?? nr)]),
  );
}

/** Errors of filters, and of the kernel for calls that it lacks or denies to this container. */
const REFUSALS = ["EPERM", "ENOSYS"];

export function verdictsOf(filtered: Outcomes, free: Outcomes): Verdicts {
  const verdict = (outcome: string, without: string | undefined): Verdict => {
    if (outcome !== without) return `denied ${outcome}`;
    return REFUSALS.includes(outcome) ? "unclear" : "passes";
  };
  return new Map([...filtered].map(([call, outcome]) => [call, verdict(outcome, free.get(call))]));
}

/** Reports whether verdicts are equal, as far as this machine can tell. @param isYoung see {@link YOUNG_CALLS} */
export function isSameVerdict(requested: Verdict, actual: Verdict, isYoung: boolean): boolean {
  if (requested === actual || requested === "unclear" || actual === "unclear") return true;
  // If libseccomp does not know a call, it cannot be allowed: the runtime makes it fail with ENOSYS.
  return isYoung && (actual === "denied ENOSYS" || (requested !== "passes" && actual !== "passes"));
}

const WIDTH = 120;

/** Formats the golden file: for each kind of container and each verdict the calls. */
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
