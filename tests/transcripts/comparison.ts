/** Whether a step on tsd came to what was recorded, with the differences that its data admit. */
import { missingShape } from "./shape.ts";
import type { Difference, Step } from "./scenario.ts";

/** What is wrong, in words that show both; undefined when nothing is. */
export function mismatch(step: Step, recorded: string, actual: string, client: "docker" | "tsd"): string | undefined {
  const today = (step.today ?? []).reduce(amended, recorded);
  if (step.shape) return shapeMismatch(today, actual);
  const [wanted, seen] = client === "docker"
    ? [today, actual]
    : [(step.tsd ?? []).reduce(amended, plain(today)), plain(actual)];
  return wanted === seen ? undefined : `expected\n${wanted}but ${client} says\n${seen}`;
}

function amended(text: string, { says, now }: Difference): string {
  const result = typeof says === "string" ? text.replaceAll(says, () => now) : text.replace(says, now);
  if (result === text) throw new Error(`The recording doesn't say ${says} any more:\n${text}`);
  return result;
}

function shapeMismatch(recorded: string, actual: string): string | undefined {
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  const missing = missingShape(lines(recorded), lines(actual));
  return missing.length === 0 ? undefined : `missing or of another kind:\n${missing.join("\n")}\n`;
}

/**
 * Errors without what each client puts around them, since tsd's own has a shorter way to say it: `tsd: No such container: x`
 * instead of `Error response from daemon: No such container: x`, `See 'tsd run --help'.` instead of usage and hint.
 */
function plain(text: string): string {
  return text
    .replace(/^! (?:docker: |tsd: )?(?:Error response from daemon: )?/gm, "! ")
    .replace(/^! (?:Usage: .*|(?:See|Run) '(?:docker|tsd) .*|Did you mean .*|)\n/gm, "")
    .replace(/'(?:docker|tsd) /g, "'CLIENT ")
    .replace(/"(?:docker|tsd) /g, '"CLIENT ');
}
