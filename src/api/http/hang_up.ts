/**
 * @module
 * Detects that a client has disconnected while a raw stream has no output. Reading can't tell: a client without input
 * half-closes its connection (the docker CLI does so at once) and still expects output. The kernel can: poll(2) reports
 * POLLHUP when both directions are shut down, which no connected client does.
 */
import type { Socket } from "node:net";
import { type Epoll, isErrno, OwnedFd, pipes } from "../../sys/mod.ts";

/** Calls `disconnected` once if the peer closes its connection before the socket is closed here. */
export type HangUpWatch = (socket: Socket, disconnected: () => void) => void;

/** Returns a watch based on epoll. */
export function epollHangUps(epoll: Pick<Epoll, "add" | "remove">): HangUpWatch {
  return (socket, disconnected) => {
    const number = descriptorOf(socket);
    if (number === undefined) return;
    const fd = duplicate(number);
    if (fd === undefined) return disconnected();
    const stop = () => {
      if (fd.closed) return;
      epoll.remove(fd.fd);
      fd[Symbol.dispose]();
    };
    epoll.add(fd.fd, 0, () => {
      stop();
      disconnected();
    });
    // The duplicate would keep the connection open for the client.
    socket.once("close", stop);
  };
}

/**
 * Returns the descriptor, for which node:net has no public API; if it is missing, a disconnect is noticed at the next
 * write only.
 */
function descriptorOf(socket: Socket & { readonly _handle?: { readonly fd?: unknown } | null }): number | undefined {
  const fd = socket._handle?.fd;
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}

/** Duplicates the descriptor, so that its number is not reused; undefined if the socket has just been closed. */
function duplicate(number: number): OwnedFd | undefined {
  try {
    return new OwnedFd(pipes.duplicate(number));
  } catch (thrown) {
    if (isErrno(thrown, "EBADF")) return undefined;
    throw thrown;
  }
}
