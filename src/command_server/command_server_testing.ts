/** Test support: an epoll that is triggered by the test. */
import type { Epoll, PollHandler } from "../sys/mod.ts";

/** Calls handlers when triggered. */
export class HandEpoll implements Pick<Epoll, "add" | "remove"> {
  readonly #handlers = new Map<number, PollHandler>();

  /** Number of watched descriptors. */
  get size(): number {
    return this.#handlers.size;
  }

  add(fd: number, _events: number, handler: PollHandler): void {
    this.#handlers.set(fd, handler);
  }

  remove(fd: number): void {
    this.#handlers.delete(fd);
  }

  /** Triggers all handlers. */
  ready(): void {
    for (const handler of [...this.#handlers.values()]) handler(1);
  }
}
