/** Names the phases of a longer step and says how long each took, for the debug log. */
export class Stopwatch {
  readonly #phases: Record<string, string> = {};
  #lastMs = performance.now();

  /** Ends a phase that began with the one before. */
  lap(phase: string): void {
    const now = performance.now();
    this.#phases[`${phase}Ms`] = (now - this.#lastMs).toFixed(1);
    this.#lastMs = now;
  }

  /** Phase → ms, as fields of a log record. */
  get fields(): Readonly<Record<string, string>> {
    return { ...this.#phases };
  }
}
