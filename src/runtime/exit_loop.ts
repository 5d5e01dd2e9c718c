/**
 * @module
 * The one place that reaps children. Every process of the engine is started through `src/sys/` (never `Deno.Command`,
 * whose own reaping would race), so a single `waitpid(-1, WNOHANG)` loop on SIGCHLD owns all exits: runc's, and, since
 * the engine is a child subreaper, those of containers' and exec'd processes that runc left behind.
 */
import { type ExitStatus, type ProcessCalls } from "../sys/mod.ts";

/** How long the status of a process that nobody asked for is kept, in ms: runc's pid file is read after the fork. */
const UNCLAIMED_MS = 60_000;

interface Unclaimed {
  readonly status: ExitStatus;
  readonly atMs: number;
}

/** Hands out exit statuses by pid. Works while {@link ExitLoop.start}ed. */
export class ExitLoop implements Disposable {
  readonly #calls: Pick<ProcessCalls, "waitpid">;
  readonly #waiting = new Map<number, (status: ExitStatus) => void>();
  readonly #unclaimed = new Map<number, Unclaimed>();
  readonly #onSignal = () => this.reap();

  constructor(calls: Pick<ProcessCalls, "waitpid">) {
    this.#calls = calls;
  }

  /** Begins to listen for SIGCHLD. */
  start(): this {
    Deno.addSignalListener("SIGCHLD", this.#onSignal);
    return this;
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGCHLD", this.#onSignal);
  }

  /**
   * A process that was just spawned: any status kept under its number belongs to an older process. Call it before
   * control returns to the event loop.
   */
  spawned(pid: number): Promise<ExitStatus> {
    this.#unclaimed.delete(pid);
    return this.exit(pid);
  }

  /** The exit of a child that may have ended already (its pid came from a pid file). One caller for each pid. */
  exit(pid: number): Promise<ExitStatus> {
    const known = this.#unclaimed.get(pid);
    if (known !== undefined) {
      this.#unclaimed.delete(pid);
      return Promise.resolve(known.status);
    }
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
    });
  }

  /** Collects every child that has ended. Signals coalesce, so one call may find many. */
  reap(): void {
    for (let ended = this.#calls.waitpid(-1); ended !== undefined; ended = this.#calls.waitpid(-1)) {
      const waiter = this.#waiting.get(ended.pid);
      if (waiter !== undefined) {
        this.#waiting.delete(ended.pid);
        waiter(ended.status);
      } else this.#unclaimed.set(ended.pid, { status: ended.status, atMs: Date.now() });
    }
    this.#forget();
  }

  #forget(): void {
    const limit = Date.now() - UNCLAIMED_MS;
    for (const [pid, { atMs }] of this.#unclaimed) {
      if (atMs > limit) break; // Insertion order is age.
      this.#unclaimed.delete(pid);
    }
  }
}
