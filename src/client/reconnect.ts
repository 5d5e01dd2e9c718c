/** What a client does while its engine executes itself anew, or is started again after a crash. */
import { isTsdError, TsdError } from "../errors.ts";
import { CONNECTION_LOST } from "./byte_reader.ts";

/** How long an engine that went away without a word is waited for, in ms. */
const AWAY_LIMIT_MS = 10_000;
/** How long there may be no socket: an engine that follows a killed one takes its socket away and makes its own. In ms. */
const NO_SOCKET_LIMIT_MS = 1000;
const PAUSE_MS = 20;

/** Whether an answer ended too early, because the engine went away. */
export const isConnectionLost = (thrown: unknown): boolean =>
  thrown instanceof TsdError && thrown.cause === CONNECTION_LOST;

/** Whether nobody has put a socket there: an engine that ends in good order takes its own away. */
export const isSocketRemoved = (thrown: unknown): boolean =>
  isTsdError(thrown, "engine_unavailable") && thrown.cause instanceof Deno.errors.NotFound;

/** Tries until the engine is back. One that was ended is hardly waited for. @throws {TsdError} what the last attempt throws */
export async function retryUntilAvailable<T>(attempt: () => Promise<T>): Promise<T> {
  let lostSince: number | undefined;
  for (const deadline = performance.now() + AWAY_LIMIT_MS;;) {
    try {
      return await attempt();
    } catch (thrown) {
      const now = performance.now();
      lostSince = isSocketRemoved(thrown) ? lostSince ?? now : undefined;
      const isEnded = lostSince !== undefined && now >= lostSince + NO_SOCKET_LIMIT_MS;
      if (!isTsdError(thrown, "engine_unavailable") || isEnded || now >= deadline) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Does again what can be done twice, each time that the engine goes away before it has answered. */
export async function retryIdempotent<T>(action: () => Promise<T>): Promise<T> {
  for (let attempt = action;; attempt = () => retryUntilAvailable(action)) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
  }
}

/** Asks, and asks again each time that the engine goes away before it answers or while its answer is being used. */
export async function persistently<A, T>(ask: () => Promise<A>, use: (answer: A) => Promise<T>): Promise<T> {
  for (let answer = await retryOnce(ask);; answer = await retryUntilAvailable(ask)) {
    try {
      return await use(answer);
    } catch (thrown) {
      if (!isConnectionLost(thrown)) throw thrown;
    }
  }
}

/** Sends the first request: an engine that isn't there is not waited for, but one that goes away is. */
export async function retryOnce<A>(ask: () => Promise<A>): Promise<A> {
  try {
    return await ask();
  } catch (thrown) {
    if (!isConnectionLost(thrown)) throw thrown;
    return await retryUntilAvailable(ask);
  }
}
