/**
 * @module
 * The one place that reaps children. Every process of the engine is started through `src/sys/` (never `Deno.Command`,
 * whose own reaping would race), so a single `waitpid(-1, WNOHANG)` loop on SIGCHLD owns all exits: runc's, and, since
 * the engine is a child subreaper, those of containers' and exec'd processes that runc left behind.
 */
import { type ExitedChild, isErrno, type ProcessCalls } from "../sys/mod.ts";

/** waitpid(2): whichever child has ended. */
const ANY_CHILD = -1;

/** How long the status of a process that nobody asked for is kept, in ms: runc's pid file is read after the fork. */
const UNCLAIMED_MS = 60_000;

interface Unclaimed {
  readonly child: ExitedChild;
  readonly atMs: number;
}

/** Hands out exit statuses by pid. Works while {@link Reaper.start}ed. */
export class Reaper implements Disposable {
  readonly #calls: Pick<ProcessCalls, "waitpid">;
  readonly #waiting = new Map<number, (child: ExitedChild) => void>();
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
  spawned(pid: number): Promise<ExitedChild> {
    this.#unclaimed.delete(pid);
    return this.exit(pid);
  }

  /** The exit of a child that may have ended already (its pid came from a pid file). One caller for each pid. */
  exit(pid: number): Promise<ExitedChild> {
    const known = this.#unclaimed.get(pid);
    if (known !== undefined) {
      this.#unclaimed.delete(pid);
      return Promise.resolve(known.child);
    }
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
    });
  }

  /** Collects every child that has ended. Signals coalesce, so one call may find many. */
  reap(): void {
    for (let child = this.#next(); child !== undefined; child = this.#next()) {
      const waiter = this.#waiting.get(child.pid);
      if (waiter !== undefined) {
        this.#waiting.delete(child.pid);
        waiter(child);
      } else this.#unclaimed.set(child.pid, { child, atMs: Date.now() });
    }
    this.#forget();
  }

  #next(): ExitedChild | undefined {
    try {
      return this.#calls.waitpid(ANY_CHILD);
    } catch (thrown) {
      if (isErrno(thrown, "ECHILD")) return undefined;
      throw thrown;
    }
  }

  #forget(): void {
    const limit = Date.now() - UNCLAIMED_MS;
    for (const [pid, { atMs }] of this.#unclaimed) {
      if (atMs > limit) break; // Insertion order is age.
      this.#unclaimed.delete(pid);
    }
  }
}
