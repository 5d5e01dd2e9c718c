/**
 * @module
 * Detects that connections are no longer accepted. A server of node:net stops for good, without an error, once the
 * process has had too many open files. Accepting by epoll would not ({@link Acceptor}), but takes each connection
 * through another thread, which makes a short request more than half again as slow. This watch looks twice a second,
 * and only while clients connect.
 */
import { type AcceptorOptions, EPOLL, type OwnedFd } from "../../sys/mod.ts";

export interface AcceptWatchOptions {
  readonly epoll: AcceptorOptions["epoll"];
  /** Returns the number of connections accepted so far. */
  readonly accepted: () => number;
  /** Called twice a second while clients wait and none is accepted. */
  readonly onStalled: () => void;
  readonly pauseMs?: number;
}

const PAUSE_MS = 500;
/**
 * Number of consecutive looks with a waiting client and no accepted connection after which it counts as stalled: at the
 * first one a client may just have arrived.
 */
const STALLED_LOOKS = 2;

/** Detects a stalled listener. Owns the duplicated listening descriptor. */
export class AcceptWatch implements Disposable {
  readonly #listener: OwnedFd;
  readonly #options: AcceptWatchOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Value of `accepted()` at the last look with a waiting client. */
  #accepted = -1;
  #idleLooks = 0;

  constructor(listener: OwnedFd, options: AcceptWatchOptions) {
    this.#listener = listener;
    this.#options = options;
    options.epoll.add(listener.fd, EPOLL.IN, () => this.#onReadable());
  }

  [Symbol.dispose](): void {
    if (this.#listener.closed) return;
    clearTimeout(this.#timer);
    this.#options.epoll.remove(this.#listener.fd);
    this.#listener.close();
  }

  #onReadable(): void {
    const { epoll, accepted, onStalled, pauseMs = PAUSE_MS } = this.#options;
    epoll.modify(this.#listener.fd, 0);
    this.#idleLooks = accepted() === this.#accepted ? this.#idleLooks + 1 : 0;
    this.#accepted = accepted();
    this.#timer = setTimeout(() => epoll.modify(this.#listener.fd, EPOLL.IN), pauseMs);
    if (this.#idleLooks >= STALLED_LOOKS) onStalled();
  }
}
