/**
 * @module
 * Listening sockets of published ports. They reserve the port against other programs, and proxy the traffic that the
 * kernel's rules don't redirect to the container (IPv6, if it has no such address). SCTP has rules only.
 */
import { connect, Socket } from "node:net";
import type { Log } from "../log.ts";
import { Acceptor, type AcceptorOptions, files, isErrno, listenTcp, type OwnedFd } from "../sys/mod.ts";
import { addressBytes, parseAddress } from "./address.ts";
import type { PortTarget, PublishedPort } from "./port.ts";
import { proxyDatagrams } from "./udp_proxy.ts";

/** The port is in use by another program. */
export class PortBusy extends Error {}

export interface PortSocketOptions {
  readonly log: Log;
  readonly epoll: AcceptorOptions["epoll"];
  /** Whether other sockets of this engine share the port or may do so later (see `shared_port.ts`). */
  readonly isShared?: boolean;
}

/**
 * Listens on a port and proxies its traffic until disposed.
 * @throws {PortBusy} if the port is in use
 * @throws Error of the system
 */
export async function openPort(
  port: PublishedPort,
  target: PortTarget,
  { log, epoll, isShared = false }: PortSocketOptions,
): Promise<AsyncDisposable> {
  try {
    switch (port.protocol) {
      case "tcp": {
        const listener = listenTcp(bytesOf(port.hostIp), port.hostPort, isShared);
        return proxyConnections(listener, target, log, epoll);
      }
      case "udp":
        return await proxyDatagrams(port, target, log, isShared);
      case "sctp":
        return { [Symbol.asyncDispose]: () => Promise.resolve() };
    }
  } catch (cause) {
    throw isBusy(cause) ? new PortBusy("address already in use", { cause }) : cause;
  }
}

const bytesOf = (ip: string) => addressBytes(parseAddress(ip)!);

const isBusy = (thrown: unknown): boolean =>
  isErrno(thrown, "EADDRINUSE") || (thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE");

/** Proxies connections, with half-close in both directions. */
function proxyConnections(
  listener: OwnedFd,
  to: PortTarget,
  log: Log,
  epoll: AcceptorOptions["epoll"],
): AsyncDisposable {
  const open = new Set<Socket>();
  const track = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", (error) => {
      log.debug("a connection to a published port failed", { error: error.message });
      other.destroy();
    });
  };
  const proxy = (fd: number) => {
    const host = to.address();
    // Without a host connect(2) would connect to this machine.
    if (host === undefined) return files.close(fd);
    const client = socketOf(fd);
    const target = connect({ host, port: to.port, allowHalfOpen: true });
    track(client, target);
    track(target, client);
    client.pipe(target);
    target.pipe(client);
  };
  const onTrouble = (thrown: unknown) =>
    log.warn("connections to a published port can't be accepted for now", { error: String(thrown) });
  const acceptor = new Acceptor(listener, { epoll, onConnection: proxy, onTrouble });
  return {
    [Symbol.asyncDispose]: () => {
      acceptor[Symbol.dispose]();
      const closing = [...open].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
      for (const socket of open) socket.destroy();
      return Promise.all(closing).then(() => {});
    },
  };
}

/**
 * Wraps an accepted descriptor.
 * @throws Error of the system; the descriptor is closed
 */
function socketOf(fd: number): Socket {
  try {
    return new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
  } catch (thrown) {
    files.close(fd);
    throw thrown;
  }
}
