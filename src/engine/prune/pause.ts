import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import type { Clock } from "../../async/clock.ts";

/** Waits for `ms` milliseconds. @throws {TsdError} cancelled if `signal` is aborted first */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return throwIfCancelled(signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(ms, resolve);
  await untilCancelled(promise, signal);
}
