/** @module Signal names, as `kill -s` and STOPSIGNAL take them (signal(7), Linux on x86-64 and aarch64). */
import { TsdError } from "../../errors.ts";

const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
    .split(" ");
const RTMIN = 34;
const RTMAX = 64;
const NUMBERS = new Map<string, number>([
  ...NAMES.map((name, index): [string, number] => [name, index + 1]),
  ["IOT", 6],
  ["CLD", 17],
  ["POLL", 29],
]);

/**
 * Returns a signal's number from a text such as `SIGTERM`, `term`, `15` or `RTMIN+3`.
 * @throws {TsdError} invalid_argument, with Docker's text
 */
export function parseSignal(text: string): number {
  const name = text.trim().toUpperCase().replace(/^SIG/, "");
  const number = /^-?\d+$/.test(name) ? Number(name) : NUMBERS.get(name) ?? realTime(name);
  if (!number) throw new TsdError("invalid_argument", `invalid signal: ${text}`);
  if (number < 1 || number > RTMAX) {
    throw new TsdError("invalid_argument", `the linux daemon does not support signal ${number}`);
  }
  return number;
}

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (match === null) return undefined;
  const number = (match[1] === "MIN" ? RTMIN : RTMAX) + Number(match[2] ?? 0);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}
