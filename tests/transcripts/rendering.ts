/**
 * A step as written in a golden file:
 *
 *     $ run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
 *     > out
 *     ! err
 *     = 3
 *
 * `>|` and `!|` are lines without a newline at their end.
 */
import type { RunResult } from "../harness/mod.ts";
import type { Step } from "./scenario.ts";
import { shapeOf } from "./shape.ts";

/** Formats a step. @param normalise is called with standard output first */
export function rendered(step: Step, result: RunResult, normalise: (text: string) => string): string {
  const { hides = {} } = step;
  const stdout = step.shape ? shapeOf(result.stdout) : ordered(step, normalise(result.stdout));
  const stderr = normalise(result.stderr);
  return [
    `$ ${step.line}\n`,
    ...hides.stdout === undefined ? linesOf(">", stdout) : [],
    ...hides.stderr === undefined ? linesOf("!", stderr) : [],
    ...hides.code === undefined ? [`= ${result.code}\n`] : [],
  ].join("");
}

/** Splits a golden file's scenario into its steps; each begins with its command line. */
export function splitSteps(text: string): string[] {
  return text.split(/^(?=\$ )/m).filter((part) => part.startsWith("$ ")).map((part) => part.trimEnd() + "\n");
}

function ordered({ unordered }: Step, stdout: string): string {
  if (!unordered) return stdout;
  return stdout.split("\n").filter((line) => line !== "").sort().map((line) => `${line}\n`).join("");
}

function linesOf(mark: string, text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const incomplete = lines.pop()!;
  return [
    ...lines.map((line) => `${mark} ${visible(line)}\n`),
    ...incomplete === "" ? [] : [`${mark}| ${visible(incomplete)}\n`],
  ];
}

/** Escapes control characters, and blanks at the end of a line, which editors would remove. */
function visible(line: string): string {
  return line
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replace(/[ \t]$/, (blank) => blank === " " ? "\\x20" : "\\x09");
}
