/**
 * @module
 * Who waits for a container, and for what (`POST /containers/{id}/wait?condition=`).
 */
import type { WaitCondition } from "../../api/wire/mod.ts";

/** What a waiter is told. */
export interface WaitResult {
  readonly exitCode: number;
  /** Why the exit code is not the process's own. */
  readonly error?: string;
}

type Event = "exit" | "removal";

interface Waiter {
  readonly event: Event;
  readonly resolve: (result: WaitResult) => void;
}

/** The waiters of all containers. */
export class Waiters {
  readonly #byContainer = new Map<string, Set<Waiter>>();

  /** Resolves at the next exit or at the removal; `signal` gives up quietly (the promise stays pending). */
  wait(id: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    return new Promise((resolve) => {
      const waiters = this.#byContainer.get(id) ?? new Set();
      const waiter: Waiter = { event: condition === "removed" ? "removal" : "exit", resolve };
      this.#byContainer.set(id, waiters.add(waiter));
      signal.addEventListener("abort", () => waiters.delete(waiter), { once: true });
    });
  }

  exited(id: string, result: WaitResult): void {
    this.#tell(id, "exit", result);
  }

  removed(id: string, result: WaitResult): void {
    this.#tell(id, "exit", result);
    this.#tell(id, "removal", result);
    this.#byContainer.delete(id);
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
