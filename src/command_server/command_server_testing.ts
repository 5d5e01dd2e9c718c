/** For tests only: a set of watched descriptors that the test works by hand. */
import type { Epoll, PollHandler } from "../sys/mod.ts";

/** Calls handlers when it is told to. */
export class HandEpoll implements Pick<Epoll, "add" | "remove"> {
  readonly #handlers = new Map<number, PollHandler>();

  /** How many descriptors are watched. */
  get size(): number {
    return this.#handlers.size;
  }

  add(fd: number, _events: number, handler: PollHandler): void {
    this.#handlers.set(fd, handler);
  }

  remove(fd: number): void {
    this.#handlers.delete(fd);
  }

  /** Something has happened to all of them. */
  ready(): void {
    for (const handler of [...this.#handlers.values()]) handler(1);
  }
}
