/** @module Waits for containers to exit or to be removed (`POST /containers/{id}/wait?condition=`). */
import type { WaitCondition } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";

/** The result of a wait. */
export interface WaitResult {
  readonly exitCode: number;
  /** Why the exit code is not the process's own. */
  readonly error?: string;
}

type Event = "exit" | "removal";

/** How long the exit of a removed container is remembered for clients that lost their connection, in ms. */
const REMEMBER_MS = 60_000;

interface Waiter {
  readonly event: Event;
  readonly resolve: (result: WaitResult) => void;
}

/** The waiters of all containers. */
export class Waiters {
  readonly #byContainer = new Map<string, Set<Waiter>>();
  /** Oldest first. */
  readonly #removed = new Map<string, { readonly result: WaitResult; readonly atMs: number }>();

  /**
   * Resolves at the next exit or at the removal.
   * @param signal aborts when the caller has disconnected
   * @throws {TsdError} cancelled
   */
  wait(id: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();
    const waiters = this.#byContainer.get(id) ?? new Set();
    const giveUp = () => {
      waiters.delete(waiter);
      reject(new TsdError("cancelled", "The wait for a container was cancelled"));
    };
    const waiter: Waiter = {
      event: condition === "removed" ? "removal" : "exit",
      resolve: (result) => {
        signal.removeEventListener("abort", giveUp);
        resolve(result);
      },
    };
    this.#byContainer.set(id, waiters.add(waiter));
    // The caller may await the promise only after the response's head is sent.
    promise.catch(() => undefined);
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp);
    return promise;
  }

  exited(id: string, result: WaitResult): void {
    this.#tell(id, "exit", result);
  }

  removed(id: string, result: WaitResult): void {
    this.#tell(id, "exit", result);
    this.#tell(id, "removal", result);
    this.#byContainer.delete(id);
    this.#forget();
    this.#removed.set(id, { result, atMs: performance.now() });
  }

  /** Returns the exit of a recently removed container by its full id. */
  recentlyRemoved(id: string): WaitResult | undefined {
    this.#forget();
    return this.#removed.get(id)?.result;
  }

  #forget(): void {
    const limit = performance.now() - REMEMBER_MS;
    for (const [id, { atMs }] of this.#removed) {
      if (atMs > limit) break;
      this.#removed.delete(id);
    }
  }

  #tell(id: string, event: Event, result: WaitResult): void {
    const waiters = this.#byContainer.get(id) ?? new Set<Waiter>();
    for (const waiter of [...waiters]) {
      if (waiter.event !== event) continue;
      waiters.delete(waiter);
      waiter.resolve(result);
    }
  }
}
