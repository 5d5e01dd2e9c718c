/**
 * @module
 * How long to wait before asking a registry again, and when to give up. Everything is bounded: attempts, each pause, and
 * the sum of pauses.
 */
import { throwIfCancelled } from "../../io/mod.ts";

/** Bounds on patience. */
export interface RegistryLimits {
  /** From the start of a request to its response's headers, connecting included. */
  readonly responseMs: number;
  /** Longest wait for the next bytes of a body. */
  readonly idleMs: number;
  /** Fewest bytes in `idleMs` of waiting; a server below it counts as stalled. */
  readonly idleBytes: number;
  /** For a manifest, config or token as a whole, attempts included. */
  readonly documentMs: number;
  /** Tries of one request, and reconnections of a download that makes no progress. */
  readonly attempts: number;
  /** First pause; each further one is twice as long. */
  readonly firstPauseMs: number;
  /** Longest pause, also when the server asks for more: then the request is given up at once. */
  readonly longestPauseMs: number;
}

/** What applies where nothing was chosen. */
export const DEFAULT_LIMITS: RegistryLimits = {
  responseMs: 30_000,
  idleMs: 30_000,
  idleBytes: 1024,
  documentMs: 120_000,
  attempts: 5,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
};

/** Whether a server that answers so may answer differently soon. */
export function isPassing(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/**
 * The pause before attempt number `attempt` (1 is the first repetition), or undefined when it is time to give up.
 * @param retryAfterMs what the server asked for
 */
export function pauseMs(attempt: number, limits: RegistryLimits, retryAfterMs = 0): number | undefined {
  if (attempt >= limits.attempts || retryAfterMs > limits.longestPauseMs) return undefined;
  const backoffMs = limits.firstPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  return Math.min(Math.max(backoffMs, retryAfterMs), limits.longestPauseMs);
}

/** `Retry-After` (RFC 9110, section 10.2.3) in milliseconds from now; 0 when there is none that makes sense. */
export function retryAfterMs(headers: Headers, nowMs: number = Date.now()): number {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = value === "" ? NaN : Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - nowMs);
}

/** Waits. @throws {TsdError} cancelled or timeout, as soon as `signal` aborts */
export async function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  throwIfCancelled(signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
  throwIfCancelled(signal);
}

/** Runs `body` with a signal that aborts with `signal`, or with a timeout after `durationMs`. */
export async function withDeadline<T>(
  durationMs: number,
  signal: AbortSignal | undefined,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException("", "TimeoutError")), durationMs);
  try {
    return await body(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
