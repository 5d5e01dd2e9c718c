/**
 * @module
 * Time as a port: what waits (restarts, health checks) can be tested without waiting.
 */

/** Where the time comes from. */
export interface Clock {
  /** Unix time in ms. */
  now(): number;
  /** Calls back once, not before `delayMs` have passed, unless the result is disposed of first; any length is fine. */
  after(delayMs: number, callback: () => void): Disposable;
}

/** The longest time that a timer can wait, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
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
