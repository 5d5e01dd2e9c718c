/**
 * @module
 * Delays between attempts to reach a registry, and when to give up. Everything is bounded: the number of attempts, each
 * delay, and their sum.
 */
import { throwIfCancelled } from "../../io/mod.ts";

/** Timeouts and limits of registry access. */
export interface RegistryLimits {
  /** From the start of a request to the response's headers, including connecting, in ms. */
  readonly responseMs: number;
  /** Maximum time to wait for the next bytes of a body, in ms. */
  readonly idleMs: number;
  /** Minimum number of bytes in `idleMs`; a slower server counts as stalled. */
  readonly idleBytes: number;
  /** For a whole manifest, config or token, including retries, in ms. */
  readonly documentMs: number;
  /** Maximum number of attempts of a request, and of reconnections of a download without progress. */
  readonly attempts: number;
  /** First delay, in ms; doubled for each further one. */
  readonly firstPauseMs: number;
  /** Maximum delay, in ms. If the server asks for a longer one, the request fails at once. */
  readonly longestPauseMs: number;
}

/** The default limits. */
export const DEFAULT_LIMITS: RegistryLimits = {
  responseMs: 30_000,
  idleMs: 30_000,
  idleBytes: 1024,
  documentMs: 120_000,
  attempts: 5,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
};

/** Returns whether a response status is transient. */
export function isTransient(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/**
 * Returns the delay before a retry, in ms, or undefined to give up.
 * @param attempt number of the retry; 1 is the first one
 * @param retryAfterMs delay that the server asked for
 */
export function pauseMs(attempt: number, limits: RegistryLimits, retryAfterMs = 0): number | undefined {
  if (attempt >= limits.attempts || retryAfterMs > limits.longestPauseMs) return undefined;
  const backoffMs = limits.firstPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  return Math.min(Math.max(backoffMs, retryAfterMs), limits.longestPauseMs);
}

/** Parses `Retry-After` (RFC 9110, section 10.2.3) as ms from now; 0 if it is missing or invalid. */
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
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new DOMException("", "TimeoutError")), durationMs);
  try {
    return await body(signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]));
  } finally {
    clearTimeout(timer);
  }
}
