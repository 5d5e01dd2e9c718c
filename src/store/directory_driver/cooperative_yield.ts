/** Long work that never awaits anything would starve timers and messages, cancellations among them. */

const LONGEST_MS = 30;

/** Lets the event loop run now and then: call {@link yieldIfLong} between steps of long work. */
export class CooperativeYield {
  #startedMs = performance.now();

  async yieldIfLong(): Promise<void> {
    if (performance.now() - this.#startedMs < LONGEST_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#startedMs = performance.now();
  }
}
