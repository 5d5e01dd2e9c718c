/** How far the two clocks may disagree before the steady one is set anew, in ms: the other one has a resolution of 1. */
const TOLERANCE_MS = 2;

let offsetMs = performance.timeOrigin;

/**
 * Now, as RFC 3339 with nine digits, UTC. The digits below a millisecond come from the monotonic clock, which is set again
 * whenever somebody has set the machine's clock.
 */
export function timestampNow(): string {
  const sinceStartMs = performance.now();
  const wallMs = Date.now();
  if (Math.abs(offsetMs + sinceStartMs - wallMs) > TOLERANCE_MS) offsetMs = wallMs - sinceStartMs;
  const ms = offsetMs + sinceStartMs;
  const nanos = Math.floor((ms % 1) * 1e6);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(nanos).padStart(6, "0")}Z`;
}
