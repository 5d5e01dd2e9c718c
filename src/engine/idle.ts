/**
 * @module
 * When an engine that was started on demand goes away: after a while without requests, with no container running, and
 * only if no client other than tsd's own has used it (others expect that their engine stays).
 */

export interface IdleOptions {
  /** In ms. */
  readonly afterMs: number;
  /** Whether something is under way. */
  readonly busy: () => boolean;
  readonly onIdle: () => void;
}

/** Watches; {@link IdleWatch.used} is told of every request. */
export class IdleWatch implements Disposable {
  readonly #options: IdleOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stays = false;

  constructor(options: IdleOptions) {
    this.#options = options;
    this.#arm();
  }

  used(userAgent: string): void {
    if (!/^tsd(\/|$)/.test(userAgent)) this.#stays = true;
    this.#arm();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stays) return;
    this.#timer = setTimeout(() => this.#options.busy() ? this.#arm() : this.#options.onIdle(), this.#options.afterMs);
  }
}
