/**
 * @module
 * Times in filters (`until`) in the forms that Docker accepts: a duration before now, seconds since 1970, a date, or a
 * date and time. Without a zone they are in this machine's.
 */
import { TsdError } from "../../errors.ts";
import { parseGoDuration } from "../../units.ts";

const SECONDS = /^-?\d+(?:\.\d{1,9})?$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d{1,9})?))?)?)?(Z|z|[+-]\d\d:\d\d)?$/;

/**
 * Parses a time to Unix time in ms.
 * @throws {TsdError} invalid_argument
 */
export function timestampMs(value: string, nowMs = Date.now()): number {
  const durationMs = value === "0" ? undefined : parseGoDuration(value);
  if (durationMs !== undefined) return nowMs - durationMs;
  if (SECONDS.test(value)) return Number(value) * 1000;
  const [whole, date, hour = "00", minute = "00", second = "00", zone = ""] = TIME.exec(value) ?? [];
  const ms = whole === undefined ? NaN : Date.parse(`${date}T${hour}:${minute}:${second}${zone.toUpperCase()}`);
  if (!Number.isNaN(ms)) return ms;
  throw new TsdError("invalid_argument", `failed to parse value as time or duration: ${JSON.stringify(value)}`);
}
