/** Long work that never waits for anything would starve timers and messages, a cancellation among them. */

const LONGEST_MS = 30;

/** Gives the event loop a turn now and then: call {@link yieldIfLong} between two portions of work. */
export class CooperativeYield {
  #startedMs = performance.now();

  async yieldIfLong(): Promise<void> {
    if (performance.now() - this.#startedMs < LONGEST_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#startedMs = performance.now();
  }
}
