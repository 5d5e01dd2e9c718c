/**
 * @module
 * Accepts connections on a listening socket until it is disposed, and recovers from errors of accept(2). A server of
 * node:net stops accepting for good, without an error, once the process has run out of file descriptors.
 */
import type { Epoll } from "./epoll.ts";
import { isErrno } from "./errno.ts";
import { EPOLL } from "./flags.ts";
import type { OwnedFd } from "./owned_fd.ts";
import { type SocketCalls, sockets } from "./sockets.ts";

/** How long to pause after a failure, in ms: the system or this process may have run out of file descriptors. */
const PAUSE_MS = 500;
/** Most connections accepted per wake-up, so that other handlers of the event loop get their turn. */
const MAX_ACCEPTS_PER_WAKE_UP = 32;

export interface AcceptorOptions {
  readonly epoll: Pick<Epoll, "add" | "modify" | "remove">;
  /**
   * Receives each connection, non-blocking and with close-on-exec. The callee owns the descriptor, also if it throws.
   */
  readonly onConnection: (fd: number) => void;
  /**
   * Called once when accepting starts to fail, not again until a connection was accepted. The acceptor retries after
   * each pause.
   */
  readonly onTrouble: (thrown: unknown) => void;
  readonly calls?: Pick<SocketCalls, "accept">;
  readonly pauseMs?: number;
}

/** Accepts connections on a listening socket until it is disposed. Owns the socket. */
export class Acceptor implements Disposable {
  readonly #listener: OwnedFd;
  readonly #options: AcceptorOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isFailing = false;

  constructor(listener: OwnedFd, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    options.epoll.add(listener.fd, EPOLL.IN, () => this.#acceptSome());
  }

  [Symbol.dispose](): void {
    if (this.#listener.closed) return;
    clearTimeout(this.#timer);
    this.#options.epoll.remove(this.#listener.fd);
    this.#listener.close();
  }

  #acceptSome(): void {
    const { calls = sockets, onConnection } = this.#options;
    // A handler may have disposed of this acceptor.
    for (let count = 0; count < MAX_ACCEPTS_PER_WAKE_UP && !this.#listener.closed; count++) {
      try {
        const fd = calls.accept(this.#listener.fd);
        if (fd === "again") return;
        onConnection(fd);
        this.#isFailing = false;
      } catch (thrown) {
        // The client disconnected before its connection was accepted (accept(2)).
        if (!isErrno(thrown, "ECONNABORTED")) return this.#pause(thrown);
      }
    }
  }

  #pause(thrown: unknown): void {
    const { epoll, onTrouble, pauseMs = PAUSE_MS } = this.#options;
    epoll.modify(this.#listener.fd, 0);
    this.#timer = setTimeout(() => epoll.modify(this.#listener.fd, EPOLL.IN), pauseMs);
    if (!this.#isFailing) onTrouble(thrown);
    this.#isFailing = true;
  }
}
