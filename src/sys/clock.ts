/** The clock by which service managers order notifications. */
import { checked } from "./check.ts";
import { libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;

/** Returns CLOCK_MONOTONIC in microseconds; it doesn't advance while the system is suspended. */
export function monotonicMicros(): bigint {
  const time = new BigInt64Array(2);
  // SAFETY: time is a struct timespec of two 64-bit numbers, which the call fills.
  checked(libc.clock_gettime(CLOCK_MONOTONIC, time), "clock_gettime");
  return time[0] * 1_000_000n + time[1] / 1000n;
}
