/**
 * @module
 * The waiting between a container's end and its restart. A restart that is pending can be called off at any moment before
 * it falls due; from then on it is a start like any other.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Clock } from "../../async/clock.ts";

/** Waits once. */
export class RestartTimer implements Disposable {
  /** Resolves to true when the time is up, to false when it was called off. */
  readonly due: Promise<boolean>;
  readonly #resolve: (isDue: boolean) => void;
  readonly #alarm: Disposable;
  readonly #release: () => void;

  /** @param signal calls it off */
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

  /** Calls it off; once it is due that changes nothing. */
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
  /** Starts a container whose time has come; it takes the container's lock and looks again at its state. */
  readonly start: (id: string) => Promise<void>;
}

/** The pending restarts of all containers. */
export class RestartTimers implements Disposable {
  readonly #deps: RestartTimersDeps;
  readonly #timers = new Map<string, RestartTimer>();

  constructor(deps: RestartTimersDeps) {
    this.#deps = deps;
  }

  /** Starts the container after a while, instead of what was planned for it before. */
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

  /** Says whether a restart was pending that now won't happen. */
  cancel(id: string): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined) return false;
    this.#timers.delete(id);
    timer.cancel();
    return true;
  }

  /** Calls all of them off: the next engine plans them anew from the recorded states. */
  [Symbol.dispose](): void {
    for (const id of [...this.#timers.keys()]) this.cancel(id);
  }
}
