/** Counts the requests in flight by kind, for those that wait for them when the engine closes or re-executes. */
export class InFlight {
  #requests = 0;
  #endless = 0;
  #hijacked = 0;

  /** All requests in flight. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests among them that last as long as the client likes. */
  get endless(): number {
    return this.#endless;
  }

  /** Hijacked connections, which are among the endless requests. */
  get hijacked(): number {
    return this.#hijacked;
  }

  /** Counts a request until disposed. */
  begin(): Disposable {
    this.#requests++;
    return { [Symbol.dispose]: () => void this.#requests-- };
  }

  /** Counts an endless request while `run` is pending. */
  async lasting(run: () => Promise<void>): Promise<void> {
    this.#endless++;
    try {
      await run();
    } finally {
      this.#endless--;
    }
  }

  /** Counts a hijacked connection while `run` is pending. */
  async raw(run: () => Promise<void>): Promise<void> {
    this.#hijacked++;
    try {
      await this.lasting(run);
    } finally {
      this.#hijacked--;
    }
  }
}
