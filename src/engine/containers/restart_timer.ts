/**
 * @module
 * The delay between the end of a task and the container's restart. A pending restart can be cancelled until its delay
 * is over; then it is a start like any other.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Clock } from "../../async/clock.ts";

/** One delay. */
export class RestartTimer implements Disposable {
  /** Resolves to true when the delay is over, to false when it was cancelled. */
  readonly due: Promise<boolean>;
  readonly #resolve: (isDue: boolean) => void;
  readonly #alarm: Disposable;
  readonly #release: () => void;

  /**
   * @param afterMs delay in ms
   * @param signal cancels it
   */
  constructor(afterMs: number, clock: Clock, signal?: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.due = promise;
    this.#resolve = resolve;
    this.#alarm = clock.after(afterMs, () => this.#settle(true));
    const cancel = () => this.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    this.#release = () => signal?.removeEventListener("abort", cancel);
    if (signal?.aborted) this.cancel();
  }

  /** Cancels it. No effect once the delay is over. */
  cancel(): void {
    this.#settle(false);
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  #settle(isDue: boolean): void {
    this.#alarm[Symbol.dispose]();
    this.#release();
    this.#resolve(isDue);
  }
}

export interface RestartTimersDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Starts a container whose delay is over. It takes the container's lock and checks its state again. */
  readonly start: (id: string) => Promise<void>;
}

/** The pending restarts of all containers. */
export class RestartTimers implements Disposable {
  readonly #deps: RestartTimersDeps;
  readonly #timers = new Map<string, RestartTimer>();

  constructor(deps: RestartTimersDeps) {
    this.#deps = deps;
  }

  /**
   * Schedules a restart, replacing a pending one.
   * @param afterMs delay in ms
   */
  schedule(id: string, afterMs: number): void {
    this.cancel(id);
    const timer = new RestartTimer(afterMs, this.#deps.clock);
    this.#timers.set(id, timer);
    void timer.due.then(async (isDue) => {
      if (this.#timers.get(id) === timer) this.#timers.delete(id);
      if (isDue) await this.#deps.start(id);
    }).catch((thrown) => {
      this.#deps.log.error("restarting a container failed", { container: id, error: toTsdError(thrown).message });
    });
  }

  /** Cancels a pending restart. Returns whether there was one. */
  cancel(id: string): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined) return false;
    this.#timers.delete(id);
    timer.cancel();
    return true;
  }

  /** Cancels all: the next engine schedules them again from the stored states. */
  [Symbol.dispose](): void {
    for (const id of [...this.#timers.keys()]) this.cancel(id);
  }
}
