import { isTsdError } from "../errors.ts";
import type { Container } from "./container.ts";
import { retryUntilAvailable } from "./reconnect.ts";

/**
 * Asks the next engine whether a start took effect whose answer was lost with the connection. A container that does not
 * exist any more ran and was removed (`--rm`).
 * @param sinceMs when the start was requested, in milliseconds since the Unix epoch
 * @throws {TsdError} engine_unavailable: there is no next engine
 */
export async function hasStarted(container: Container, sinceMs: number): Promise<boolean> {
  try {
    const { State } = await retryUntilAvailable(() => container.inspect());
    return State.Running || Date.parse(State.StartedAt) >= sinceMs;
  } catch (thrown) {
    if (isTsdError(thrown, "container_not_found")) return true;
    throw thrown;
  }
}
