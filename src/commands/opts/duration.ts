import { parseGoDuration, UsageError } from "../../cli/mod.ts";

const UNITS = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/** Parses a flag's value, a duration in Go's syntax, to nanoseconds. @throws {UsageError} with pflag's messages */
export function durationNanos(flag: string, text: string): number {
  const durationMs = parseGoDuration(text);
  if (durationMs !== undefined) return Math.round(durationMs * 1e6);
  throw new UsageError(`invalid argument "${text}" for "--${flag}" flag: time: ${reason(text)}`);
}

/** Returns Go's error message for an invalid duration. */
function reason(text: string): string {
  let rest = text.replace(/^[+-]/, "");
  while (rest !== "") {
    const [amount] = /^(?:\d+\.?\d*|\.\d+)?/.exec(rest) ?? [""];
    if (amount === "") break;
    const [unit] = /^[^.\d]*/.exec(rest.slice(amount.length)) ?? [""];
    if (unit === "") return `missing unit in duration "${text}"`;
    if (!UNITS.includes(unit)) return `unknown unit "${unit}" in duration "${text}"`;
    rest = rest.slice(amount.length + unit.length);
  }
  return `invalid duration "${text}"`;
}
