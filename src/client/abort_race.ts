/** Lets waits end early when a signal is aborted, until disposal. */
export class AbortRace implements Disposable {
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = Promise.withResolvers<never>();
  readonly #abort = () => this.#aborted.reject(this.#signal?.reason);

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#aborted.promise.catch(() => undefined);
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Resolves as `promise` does. Rejects with the signal's reason if that is aborted first. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#aborted.promise]);
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}
