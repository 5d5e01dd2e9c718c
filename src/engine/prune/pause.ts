import { throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import type { Clock } from "../../async/clock.ts";

/** Waits this long, or until `signal`. @throws {TsdError} cancelled */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return throwIfCancelled(signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(ms, resolve);
  await untilCancelled(promise, signal);
}
