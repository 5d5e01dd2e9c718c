import { inspectContainer } from "../../client/containers.ts";
import { retryUntilAvailable } from "../../client/reconnect.ts";
import type { EngineTransport } from "../../client/transport.ts";
import { isTsdError } from "../../errors.ts";

/**
 * Asks the next engine whether a start took effect whose answer was lost with the connection. A container that does not
 * exist any more ran and was removed (`--rm`).
 * @param sinceMs when the start was requested, in milliseconds since the Unix epoch
 * @throws {TsdError} engine_unavailable: there is no next engine
 */
export async function hasStarted(engine: EngineTransport, id: string, sinceMs: number): Promise<boolean> {
  try {
    const { State } = await retryUntilAvailable(() => inspectContainer(engine, id));
    return State.Running || Date.parse(State.StartedAt) >= sinceMs;
  } catch (thrown) {
    if (isTsdError(thrown, "container_not_found")) return true;
    throw thrown;
  }
}
