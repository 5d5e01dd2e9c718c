/**
 * @module
 * Notices that connections are not accepted any more. A server of node:net stops for good, and says nothing, once the
 * process has had too many files open. Accepting by epoll would not ({@link Acceptor}), but costs each connection another
 * thread's way, a good half more time for a short request; this looks twice a second, and only while clients come.
 */
import { type AcceptorOptions, EPOLL, type OwnedFd } from "../../sys/mod.ts";

export interface AcceptWatchOptions {
  readonly epoll: AcceptorOptions["epoll"];
  /** How many connections were accepted so far. */
  readonly accepted: () => number;
  /** Told twice a second for as long as clients wait and nobody lets them in. */
  readonly onStalled: () => void;
  readonly pauseMs?: number;
}

const PAUSE_MS = 500;
/** How often in turn somebody is there, and nobody was let in since: at the first time a client may just have come. */
const ENOUGH = 2;

/** See the module's comment. It owns the descriptor, which listens. */
export class AcceptWatch implements Disposable {
  readonly #listener: OwnedFd;
  readonly #options: AcceptWatchOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When somebody was there last. */
  #accepted = -1;
  #waits = 0;

  constructor(listener: OwnedFd, options: AcceptWatchOptions) {
    this.#listener = listener;
    this.#options = options;
    options.epoll.add(listener.fd, EPOLL.IN, () => this.#waiting());
  }

  [Symbol.dispose](): void {
    if (this.#listener.closed) return;
    clearTimeout(this.#timer);
    this.#options.epoll.remove(this.#listener.fd);
    this.#listener.close();
  }

  #waiting(): void {
    const { epoll, accepted, onStalled, pauseMs = PAUSE_MS } = this.#options;
    epoll.modify(this.#listener.fd, 0);
    this.#waits = accepted() === this.#accepted ? this.#waits + 1 : 0;
    this.#accepted = accepted();
    this.#timer = setTimeout(() => epoll.modify(this.#listener.fd, EPOLL.IN), pauseMs);
    if (this.#waits >= ENOUGH) onStalled();
  }
}
