/** Difference in ms at which the monotonic clock is realigned with the wall clock, whose resolution is 1 ms. */
const TOLERANCE_MS = 2;

let offsetMs = performance.timeOrigin;

/**
 * Returns the current time in UTC, as RFC 3339 with nine fractional digits. Digits below a millisecond come from the
 * monotonic clock, which is realigned whenever the wall clock was set.
 */
export function timestampNow(): string {
  const sinceStartMs = performance.now();
  const wallMs = Date.now();
  if (Math.abs(offsetMs + sinceStartMs - wallMs) > TOLERANCE_MS) offsetMs = wallMs - sinceStartMs;
  const ms = offsetMs + sinceStartMs;
  const nanos = Math.floor((ms % 1) * 1e6);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(nanos).padStart(6, "0")}Z`;
}
