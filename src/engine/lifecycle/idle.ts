/**
 * @module
 * When an engine that was started on demand goes away: after a while without requests, with no container running, and
 * only if no client other than tsd's own has used it (others expect that their engine stays).
 */
import { type Clock, SYSTEM_CLOCK } from "../../async/clock.ts";

export interface IdleOptions {
  /** In ms. */
  readonly afterMs: number;
  /** Whether something is under way. */
  readonly busy: () => boolean;
  readonly onIdle: () => void;
  /** A client other than tsd's was seen before. */
  readonly hasOtherClients?: boolean;
  readonly clock?: Clock;
}

/** Watches; {@link IdleWatch.used} is told of every request. */
export class IdleWatch implements Disposable {
  readonly #options: IdleOptions;
  #timer: Disposable | undefined;
  #stays: boolean;

  constructor(options: IdleOptions) {
    this.#options = options;
    this.#stays = options.hasOtherClients ?? false;
    this.#arm();
  }

  /** Whether a client other than tsd's has come. */
  get hasOtherClients(): boolean {
    return this.#stays;
  }

  used(userAgent: string): void {
    if (!/^tsd(\/|$)/.test(userAgent)) this.#stays = true;
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#stays) return;
    const { clock = SYSTEM_CLOCK, afterMs, busy, onIdle } = this.#options;
    this.#timer = clock.after(afterMs, () => busy() ? this.#arm() : onIdle());
  }
}
