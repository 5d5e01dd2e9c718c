/**
 * @module
 * Notices that a client has gone for good while a raw stream has nothing to say to it. Reading can't tell: its end is
 * what a client sends that has no input (the docker CLI does so at once) and still wants the output. The kernel can:
 * poll(2)'s HUP comes when both directions are shut, which no living client does.
 */
import type { Socket } from "node:net";
import { type Epoll, isErrno, OwnedFd, pipes } from "../../sys/mod.ts";

/** Calls `gone` once if the other end goes away before the socket is closed here. */
export type HangUpWatch = (socket: Socket, disconnected: () => void) => void;

/** The watch that an engine uses. */
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

/** node:net has no public way to it; without one a client's end is noticed at the next write. */
function descriptorOf(socket: Socket & { readonly _handle?: { readonly fd?: unknown } | null }): number | undefined {
  const fd = socket._handle?.fd;
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}

/** A duplicate, whose number stays ours; undefined when the socket has just been closed. */
function duplicate(number: number): OwnedFd | undefined {
  try {
    return new OwnedFd(pipes.duplicate(number));
  } catch (thrown) {
    if (isErrno(thrown, "EBADF")) return undefined;
    throw thrown;
  }
}
