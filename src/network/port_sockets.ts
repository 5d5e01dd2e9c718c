/**
 * @module
 * Sockets that stand for published ports: no other program gets the port meanwhile, and what the kernel's rules don't lead
 * to the container (IPv6, as it has no such address) goes through here. For SCTP there are rules only.
 */
import { connect, Socket } from "node:net";
import type { Log } from "../log.ts";
import { Acceptor, type AcceptorOptions, files, isErrno, listenTcp, type OwnedFd } from "../sys/mod.ts";
import { addressBytes, parseAddress } from "./address.ts";
import type { PortTarget, PublishedPort } from "./port.ts";
import { proxyDatagrams } from "./udp_proxy.ts";

/** The port is another program's. */
export class PortBusy extends Error {}

export interface PortSocketOptions {
  readonly log: Log;
  readonly epoll: AcceptorOptions["epoll"];
  /** Whether other sockets of ours are or may come there (see `shared_port.ts`). */
  readonly isShared?: boolean;
}

/**
 * Takes a port and serves it until it is disposed of.
 * @throws {PortBusy} @throws Error of the system
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
        return relayConnections(listener, target, log, epoll);
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

/** Passes connections on, each way until its end. */
function relayConnections(
  listener: OwnedFd,
  to: PortTarget,
  log: Log,
  epoll: AcceptorOptions["epoll"],
): AsyncDisposable {
  const open = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", (error) => {
      log.debug("a connection to a published port failed", { error: error.message });
      other.destroy();
    });
  };
  const passOn = (fd: number) => {
    const host = to.address();
    // Without one connect(2) would go to this machine.
    if (host === undefined) return files.close(fd);
    const client = socketOf(fd);
    const target = connect({ host, port: to.port, allowHalfOpen: true });
    keep(client, target);
    keep(target, client);
    client.pipe(target);
    target.pipe(client);
  };
  const onTrouble = (thrown: unknown) =>
    log.warn("connections to a published port can't be accepted for now", { error: String(thrown) });
  const acceptor = new Acceptor(listener, { epoll, onConnection: passOn, onTrouble });
  return {
    [Symbol.asyncDispose]: () => {
      acceptor[Symbol.dispose]();
      const closing = [...open].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
      for (const socket of open) socket.destroy();
      return Promise.all(closing).then(() => {});
    },
  };
}

/** @throws Error of the system; the descriptor is closed */
function socketOf(fd: number): Socket {
  try {
    return new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
  } catch (thrown) {
    files.close(fd);
    throw thrown;
  }
}
