/**
 * @module
 * Accepts connections of a listening socket for as long as it is watched, whatever goes wrong with some of them. Servers of
 * node:net stop for good, and say nothing, once the process has had too many files open.
 */
import type { Epoll } from "./epoll.ts";
import { isErrno } from "./errno.ts";
import { EPOLL } from "./flags.ts";
import type { OwnedFd } from "./owned_fd.ts";
import { type SocketCalls, sockets } from "./sockets.ts";

/** How long nothing is accepted after a failure, in ms: the machine, or this process, may have too many files open. */
const PAUSE_MS = 500;
/** Most connections that are accepted in one turn: others have a right to theirs. */
const MOST_AT_ONCE = 32;

export interface AcceptorOptions {
  readonly epoll: Pick<Epoll, "add" | "modify" | "remove">;
  /** Gets each connection, non-blocking and with close-on-exec, which is its own from then on, also where it throws. */
  readonly onConnection: (fd: number) => void;
  /** Told once of each time without connections; they are accepted again as soon as that works. */
  readonly onTrouble: (thrown: unknown) => void;
  readonly calls?: Pick<SocketCalls, "accept">;
  readonly pauseMs?: number;
}

/** See the module's comment. It owns the socket. */
export class Acceptor implements Disposable {
  readonly #listener: OwnedFd;
  readonly #options: AcceptorOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isInTrouble = false;

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
    // Whoever gets a connection may have ended this.
    for (let count = 0; count < MOST_AT_ONCE && !this.#listener.closed; count++) {
      try {
        const fd = calls.accept(this.#listener.fd);
        if (fd === "again") return;
        onConnection(fd);
        this.#isInTrouble = false;
      } catch (thrown) {
        // Its client has gone before it was its turn (accept(2)).
        if (!isErrno(thrown, "ECONNABORTED")) return this.#pause(thrown);
      }
    }
  }

  #pause(thrown: unknown): void {
    const { epoll, onTrouble, pauseMs = PAUSE_MS } = this.#options;
    epoll.modify(this.#listener.fd, 0);
    this.#timer = setTimeout(() => epoll.modify(this.#listener.fd, EPOLL.IN), pauseMs);
    if (!this.#isInTrouble) onTrouble(thrown);
    this.#isInTrouble = true;
  }
}
