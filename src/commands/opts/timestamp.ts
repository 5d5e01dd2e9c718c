import { parseGoDuration, StatusError } from "../../cli/mod.ts";

/**
 * Parses the value of `--since` or `--until` to Unix seconds with fraction, as the engine expects them. Accepts Unix seconds,
 * a time (RFC 3339; without a zone, or a date alone, it is local time), or a duration before `nowMs`. With `flag` the error
 * message names the flag, as Docker's does for some commands. @throws {StatusError}
 */
export function parseTimestamp(text: string | undefined, nowMs: number, flag?: string): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^-?\d+(?:\.\d{1,9})?$/.test(text)) return text;
  const durationMs = parseGoDuration(text);
  if (durationMs !== undefined) return toSeconds(nowMs - durationMs, "");
  const time = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const [, date, clock = "00:00", fraction = "", zone = ""] = time ?? [];
  const timeMs = time === null ? NaN : Date.parse(`${date}T${clock}${zone}`);
  if (Number.isNaN(timeMs)) {
    const before = flag === undefined ? "" : `invalid value for "${flag}": `;
    throw new StatusError(`${before}failed to parse value as time or duration: "${text}"`);
  }
  return toSeconds(timeMs, fraction);
}

function toSeconds(timeMs: number, fraction: string): string {
  if (fraction !== "") return `${Math.floor(timeMs / 1000)}${fraction.padEnd(10, "0")}`;
  const seconds = Math.floor(timeMs / 1000);
  return `${seconds}.${String(Math.floor(timeMs - seconds * 1000)).padStart(3, "0")}000000`;
}
