/**
 * Sizes and durations as Docker displays them: rounding and words are those of github.com/docker/go-units, which
 * scripts and users rely on.
 */

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_H = 24;

/** Formats a duration roughly: `About an hour`, `2 minutes`, `3 weeks`. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE_S) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / MINUTE_S);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(durationMs / 1000 / HOUR_S + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 2 * DAY_H) return `${hours} hours`;
  if (hours < 14 * DAY_H) return `${Math.floor(hours / DAY_H)} days`;
  if (hours < 60 * DAY_H) return `${Math.floor(hours / DAY_H / 7)} weeks`;
  if (hours < 730 * DAY_H) return `${Math.floor(hours / DAY_H / 30)} months`;
  return `${Math.floor(durationMs / 1000 / HOUR_S / DAY_H / 365)} years`;
}

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Formats a size in decimal units, with up to `digits` significant digits: `7.83MB`. */
export function humanSize(sizeBytes: number, digits = 4): string {
  return scaled(sizeBytes, 1000, DECIMAL, digits);
}

/** Formats a size in binary units, with up to `digits` significant digits: `15.61GiB`. */
export function humanBinarySize(sizeBytes: number, digits = 4): string {
  return scaled(sizeBytes, 1024, BINARY, digits);
}

function scaled(size: number, base: number, units: readonly string[], digits: number): string {
  let unit = 0;
  let value = size;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  // 999.96 must not become 1000 of a unit if there is a larger one.
  if (Number(value.toPrecision(digits)) >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** Parses Go's `time.Duration` syntax (`1h30m`, `1.5s`, `-10ms`) to milliseconds; undefined if it is invalid. */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (match === null) return text === "0" ? 0 : undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    totalMs += Number(amount) * MS_PER_UNIT[unit];
  }
  return match[1] === "-" ? -totalMs : totalMs;
}

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: MINUTE_S * 1000,
  h: HOUR_S * 1000,
};

/** Formats a duration as Go does: `1m30s`, `1.5s`, `500ms`, `0s`. */
export function goDuration(durationMs: number): string {
  const nanos = Math.round(Math.abs(durationMs) * 1e6);
  const sign = durationMs < 0 && nanos > 0 ? "-" : "";
  if (nanos === 0) return "0s";
  for (const [unit, sizeNanos, below] of [["ns", 1, 1e3], ["µs", 1e3, 1e6], ["ms", 1e6, 1e9]] as const) {
    if (nanos < below) return `${sign}${nanos / sizeNanos}${unit}`;
  }
  const minutes = Math.floor(nanos / 60e9);
  const hours = Math.floor(minutes / 60);
  const seconds = `${(nanos - minutes * 60e9) / 1e9}s`;
  return sign + (hours > 0 ? `${hours}h` : "") + (minutes > 0 ? `${minutes % 60}m` : "") + seconds;
}
