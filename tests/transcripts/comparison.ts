/** Compares a step on tsd with the recording, except for the differences in its data. */
import { missingShape } from "./shape.ts";
import type { Difference, Step } from "./scenario.ts";
import { EVERYWHERE } from "./scenarios/today.ts";

/**
 * Returns a description of the mismatch that shows both texts, or undefined.
 * @param isExact otherwise only exit codes are compared
 */
export function mismatch(
  step: Step,
  recorded: string,
  actual: string,
  client: "docker" | "tsd",
  isExact = true,
): string | undefined {
  const general = EVERYWHERE.reduce((text, { says, now }) => text.replaceAll(says, now), recorded);
  const today = [...step.today ?? [], ...step.managed ?? []].reduce(amended, general);
  if (!isExact) {
    return exitCode(today) === exitCode(actual) ? undefined : `expected\n${today}but ${client} says\n${actual}`;
  }
  const [requested, seen] = client === "docker"
    ? [withoutHints(today), withoutHints(actual)]
    : [(step.tsd ?? []).reduce(amended, plain(today)), plain(actual)];
  if (step.shape) return shapeMismatch(requested, seen);
  return requested === seen ? undefined : `expected\n${requested}but ${client} says\n${seen}`;
}

/**
 * What docker 20 appends to an error depends on whether the container existed already: a hint at the help, or that it
 * stops waiting. tsd detects most mistakes before it creates one.
 */
const withoutHints = (text: string): string =>
  text.replace(
    /^! (?:See 'docker [a-z ]+ --help'\.|time="[^"]*" level=error msg="error waiting for container: .*)\n/gm,
    "",
  );

const exitCode = (text: string): string | undefined => /^= (\d+)$/m.exec(text)?.[1];

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
 * Removes what clients add to errors, since tsd's are shorter: `tsd: No such container: x` instead of `Error response
 * from daemon: No such container: x`, `See 'tsd run --help'.` instead of usage and hint, and no repeated list of
 * containers that were not started.
 */
function plain(text: string): string {
  return text
    .replace(/^! (?:docker: |tsd: )?(?:Error response from daemon: |Error: )?/gm, "! ")
    .replace(
      /^! (?:Usage: .*|\t(?:docker|tsd) .*|(?:See|S?Run) '(?:docker|tsd) .*|Did you mean .*|failed to (?:start|rename) container.*|)\n/gm,
      "",
    )
    .replace(/(?<=['"]|unknown command: )(?:docker|tsd) /g, "CLIENT ");
}
