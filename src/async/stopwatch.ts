import { AsyncLocalStorage } from "node:async_hooks";

/** A phase of a longer operation. */
export interface Phase {
  readonly name: string;
  readonly ms: number;
}

const listeners = new AsyncLocalStorage<(phase: Phase) => void>();

/**
 * Runs `work` and calls `onPhase` for every phase that a {@link Stopwatch} ends within it, including asynchronous
 * parts.
 */
export function listenToPhases<T>(onPhase: (phase: Phase) => void, work: () => T): T {
  return listeners.run(onPhase, work);
}

/** Measures the named phases of a longer operation, for the debug log and for listeners. */
export class Stopwatch {
  readonly #phases: Record<string, string> = {};
  #lastMs = performance.now();

  /** Ends a phase that began at the end of the previous one. */
  lap(phase: string): void {
    const now = performance.now();
    const ms = now - this.#lastMs;
    this.#phases[`${phase}Ms`] = ms.toFixed(1);
    this.#lastMs = now;
    listeners.getStore()?.({ name: phase, ms });
  }

  /** Phase → ms, as fields of a log record. */
  get fields(): Readonly<Record<string, string>> {
    return { ...this.#phases };
  }
}
