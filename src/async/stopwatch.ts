import { AsyncLocalStorage } from "node:async_hooks";

/** A part of a longer step. */
export interface Phase {
  readonly name: string;
  readonly ms: number;
}

const listening = new AsyncLocalStorage<(phase: Phase) => void>();

/** Runs `work`; `heard` is told of every phase that a {@link Stopwatch} ends in it, however deep and however late. */
export function listenToPhases<T>(heard: (phase: Phase) => void, work: () => T): T {
  return listening.run(heard, work);
}

/** Names the phases of a longer step and says how long each took: for the debug log, and for who listens. */
export class Stopwatch {
  readonly #phases: Record<string, string> = {};
  #lastMs = performance.now();

  /** Ends a phase that began with the one before. */
  lap(phase: string): void {
    const now = performance.now();
    const ms = now - this.#lastMs;
    this.#phases[`${phase}Ms`] = ms.toFixed(1);
    this.#lastMs = now;
    listening.getStore()?.({ name: phase, ms });
  }

  /** Phase → ms, as fields of a log record. */
  get fields(): Readonly<Record<string, string>> {
    return { ...this.#phases };
  }
}
