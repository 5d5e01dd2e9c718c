/**
 * @module
 * Sockets that stand for published ports: no other program gets the port meanwhile, and what the kernel's rules don't lead
 * to the container (IPv6, as it has no such address) goes through here. For SCTP there are rules only.
 */
import { connect, createServer, type Socket } from "node:net";
import type { Log } from "../log.ts";
import { isErrno, listenTcp, type OwnedFd } from "../sys/mod.ts";
import { addressBytes, parseAddress } from "./address.ts";
import type { PortTarget, PublishedPort } from "./port.ts";
import { relayDatagrams } from "./udp_relay.ts";

/** The port is another program's. */
export class PortBusy extends Error {}

/**
 * Takes a port and serves it until it is disposed of.
 * @param isShared whether other sockets of ours are or may come there (see `shared_port.ts`)
 * @throws {PortBusy} @throws Error of the system
 */
export async function openPort(
  port: PublishedPort,
  target: PortTarget,
  log: Log,
  isShared = false,
): Promise<AsyncDisposable> {
  try {
    switch (port.protocol) {
      case "tcp": {
        const listener = listenTcp(bytesOf(port.hostIp), port.hostPort, isShared);
        return relayConnections(listener, target, log);
      }
      case "udp":
        return await relayDatagrams(port, target, log, isShared);
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
function relayConnections(listener: OwnedFd, to: PortTarget, log: Log): AsyncDisposable {
  const open = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", (error) => {
      log.debug("a connection to a published port failed", { error: error.message });
      other.destroy();
    });
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const host = to.address();
    // Without one connect(2) would go to this machine.
    if (host === undefined) return void client.destroy();
    const target = connect({ host, port: to.port, allowHalfOpen: true });
    keep(client, target);
    keep(target, client);
    client.pipe(target);
    target.pipe(client);
  });
  server.on("error", (error) => log.warn("a published port isn't served any more", { error: error.message }));
  server.listen({ fd: listener.take() });
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
