/** How many requests are under way, and of which kind: who closes or leaves waits for some of them. */
export class InFlight {
  #requests = 0;
  #endless = 0;
  #hijacked = 0;

  /** Requests that are being answered. */
  get requests(): number {
    return this.#requests;
  }

  /** Those of them that last as long as the client wants. */
  get endless(): number {
    return this.#endless;
  }

  /** Those of these that have a raw stream. */
  get hijacked(): number {
    return this.#hijacked;
  }

  /** Counts a request until it is disposed of. */
  begin(): Disposable {
    this.#requests++;
    return { [Symbol.dispose]: () => void this.#requests-- };
  }

  async lasting(run: () => Promise<void>): Promise<void> {
    this.#endless++;
    try {
      await run();
    } finally {
      this.#endless--;
    }
  }

  async raw(run: () => Promise<void>): Promise<void> {
    this.#hijacked++;
    try {
      await this.lasting(run);
    } finally {
      this.#hijacked--;
    }
  }
}
