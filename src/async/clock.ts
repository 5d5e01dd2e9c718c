/**
 * @module
 * Time as a port, so that code that waits (restarts, health checks) can be tested without waiting.
 */

/** Source of time. */
export interface Clock {
  /** Returns Unix time in ms. */
  now(): number;
  /** Calls back once, after at least `delayMs` of any length, unless the result is disposed of first. */
  after(delayMs: number, callback: () => void): Disposable;
}

/** The longest delay of a timer, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The system clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    let remainingMs = delayMs;
    let timer: ReturnType<typeof setTimeout>;
    const arm = () => {
      const partMs = Math.min(remainingMs, MAX_TIMER_MS);
      remainingMs -= partMs;
      timer = setTimeout(remainingMs > 0 ? arm : callback, partMs);
    };
    arm();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
