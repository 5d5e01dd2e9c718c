/** Units from the largest; each is used from twice its length on. Seconds. */
const UNITS = [
  ["years", 365 * 24 * 3600],
  ["months", 30 * 24 * 3600],
  ["weeks", 7 * 24 * 3600],
  ["days", 24 * 3600],
  ["hours", 3600],
  ["minutes", 60],
] as const;

/** A span of time in Docker's words: `Less than a second`, `2 minutes`, `About an hour`, `3 weeks`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds < 120) return "About a minute";
  if (Math.floor(seconds / 60) >= 60 && Math.round(seconds / 3600) === 1) return "About an hour";
  // Docker stays with hours up to two days, with days up to two weeks, and so on.
  const [unit, length] = UNITS.find(([, length]) => seconds >= 2 * length) ?? UNITS[UNITS.length - 1];
  return `${Math.floor(seconds / length)} ${unit}`;
}
