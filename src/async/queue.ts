/** Turns values from callbacks into one `AsyncIterable`, in order, for one reader. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: { readonly thrown: unknown } | undefined;

  push(value: T): void {
    if (this.#ended) return;
    this.#values.push(value);
    this.#wake?.();
  }

  /** Ends the queue: the reader gets the remaining values, then the end. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Fails the queue: the reader gets the remaining values, then `thrown`. */
  fail(thrown: unknown): void {
    this.#failure = { thrown };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift() as T;
      if (this.#failure !== undefined) throw this.#failure.thrown;
      if (this.#ended) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
