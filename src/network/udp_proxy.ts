/**
 * @module
 * A userland proxy for UDP ports, with one socket for each client, so that answers reach the right one.
 */
import type { Socket } from "node:dgram";
import type { Log } from "../log.ts";
import type { PortTarget, PublishedPort } from "./port.ts";

/** How long a client's socket is kept without a datagram, in ms; as in Docker's userland proxy. */
const IDLE_MS = 90_000;
/** Limit on clients. Datagrams of further ones are dropped until one times out. */
const MAX_SENDERS = 1024;

interface Sender {
  readonly socket: Socket;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Proxies datagrams until disposed.
 * @param isShared whether to share the port with other sockets that set SO_REUSEADDR
 * @throws Error with the code EADDRINUSE
 */
export async function proxyDatagrams(
  port: PublishedPort,
  target: PortTarget,
  log: Log,
  isShared = false,
): Promise<AsyncDisposable> {
  // Loaded on demand: engines without a published UDP port don't need it.
  const { createSocket } = await import("node:dgram");
  const family = port.hostIp.includes(":") ? { type: "udp6", ipv6Only: true } as const : { type: "udp4" } as const;
  const listener = createSocket({ ...family, reuseAddr: isShared });
  const senders = new Map<string, Sender>();
  const remove = (key: string) => {
    const sender = senders.get(key);
    if (sender === undefined) return;
    senders.delete(key);
    clearTimeout(sender.timer);
    sender.socket.close();
  };
  const add = (key: string, address: string, from: number): Sender => {
    const socket = createSocket("udp4");
    socket.on("message", (answer) => listener.send(answer, from, address));
    socket.on("error", (error) => {
      log.debug("a datagram was not passed on", { error: error.message });
      remove(key);
    });
    const sender = { socket, timer: setTimeout(() => remove(key), IDLE_MS) };
    senders.set(key, sender);
    return sender;
  };
  listener.on("message", (datagram, { address, port: from }) => {
    const to = target.address();
    // Port 0, the source of forged datagrams only, can't be replied to.
    if (to === undefined || from === 0) return;
    const key = `${address} ${from}`;
    if (!senders.has(key) && senders.size >= MAX_SENDERS) return;
    const sender = senders.get(key) ?? add(key, address, from);
    clearTimeout(sender.timer);
    sender.timer = setTimeout(() => remove(key), IDLE_MS);
    sender.socket.send(datagram, target.port, to);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.bind(port.hostPort, port.hostIp, () => {
      listener.off("error", reject);
      listener.on("error", (error) => log.warn("a published port has trouble", { error: error.message }));
      resolve();
    });
  }).catch((thrown) => {
    listener.close();
    throw thrown;
  });
  return {
    [Symbol.asyncDispose]: () => {
      for (const key of [...senders.keys()]) remove(key);
      return new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
