/**
 * @module
 * Reaps all children of the engine. Every process is started through `src/sys/` (never `Deno.Command`, whose own
 * reaping would race), so a single `waitpid(-1, WNOHANG)` loop on SIGCHLD collects all exits: runc's and, since the
 * engine is a child subreaper, those of the container and exec processes that runc leaves behind.
 */
import { type ExitedChild, isErrno, type ProcessCalls } from "../sys/mod.ts";

/** waitpid(2): any child. */
const ANY_CHILD = -1;

/**
 * How long an unclaimed exit status is kept, in ms: a container's process may exit before its pid is read from runc's
 * pid file.
 */
const UNCLAIMED_MS = 60_000;

interface Unclaimed {
  readonly child: ExitedChild;
  readonly atMs: number;
}

/** Reports exit statuses by pid, from {@link Reaper.start} until it is disposed of. */
export class Reaper implements Disposable {
  readonly #calls: Pick<ProcessCalls, "waitpid">;
  readonly #waiting = new Map<number, (child: ExitedChild) => void>();
  readonly #unclaimed = new Map<number, Unclaimed>();
  readonly #onSignal = () => this.reap();

  constructor(calls: Pick<ProcessCalls, "waitpid">) {
    this.#calls = calls;
  }

  /** Starts to listen for SIGCHLD. */
  start(): this {
    Deno.addSignalListener("SIGCHLD", this.#onSignal);
    return this;
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGCHLD", this.#onSignal);
  }

  /**
   * Returns the exit of a process that was just spawned. A status stored under its pid belongs to an older process and
   * is dropped. Must be called before control returns to the event loop.
   */
  spawned(pid: number): Promise<ExitedChild> {
    this.#unclaimed.delete(pid);
    return this.exit(pid);
  }

  /**
   * Returns the exit of a child that may have exited already (its pid came from a pid file). One caller for each pid.
   */
  exit(pid: number): Promise<ExitedChild> {
    const unclaimed = this.#unclaimed.get(pid);
    if (unclaimed !== undefined) {
      this.#unclaimed.delete(pid);
      return Promise.resolve(unclaimed.child);
    }
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
    });
  }

  /** Collects every child that has exited. Signals coalesce, so one call may find several. */
  reap(): void {
    for (let child = this.#next(); child !== undefined; child = this.#next()) {
      const waiter = this.#waiting.get(child.pid);
      if (waiter !== undefined) {
        this.#waiting.delete(child.pid);
        waiter(child);
      } else this.#unclaimed.set(child.pid, { child, atMs: Date.now() });
    }
    this.#removeExpired();
  }

  #next(): ExitedChild | undefined {
    try {
      return this.#calls.waitpid(ANY_CHILD);
    } catch (thrown) {
      if (isErrno(thrown, "ECHILD")) return undefined;
      throw thrown;
    }
  }

  #removeExpired(): void {
    const limit = Date.now() - UNCLAIMED_MS;
    for (const [pid, { atMs }] of this.#unclaimed) {
      if (atMs > limit) break; // Insertion order is age.
      this.#unclaimed.delete(pid);
    }
  }
}
