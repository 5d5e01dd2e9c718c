/**
 * @module
 * Datagrams to a published port, passed on with one socket for each sender, so that answers find their way back.
 */
import type { Socket } from "node:dgram";
import type { Log } from "../log.ts";
import type { PortTarget, PublishedPort } from "./port.ts";

/** How long a sender's way back is kept without a datagram, in ms; as long as Docker keeps it. */
const IDLE_MS = 90_000;
/** Senders at once; further ones are not heard until one of them has gone. */
const MOST_SENDERS = 1024;

interface Sender {
  readonly socket: Socket;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Listens on the port until it is disposed of.
 * @param isShared whether others may listen there who say the same @throws Error with the code EADDRINUSE
 */
export async function proxyDatagrams(
  port: PublishedPort,
  target: PortTarget,
  log: Log,
  isShared = false,
): Promise<AsyncDisposable> {
  // What publishes no UDP port needs not load it.
  const { createSocket } = await import("node:dgram");
  const family = port.hostIp.includes(":") ? { type: "udp6", ipv6Only: true } as const : { type: "udp4" } as const;
  const listener = createSocket({ ...family, reuseAddr: isShared });
  const senders = new Map<string, Sender>();
  const forget = (key: string) => {
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
      forget(key);
    });
    const sender = { socket, timer: setTimeout(() => forget(key), IDLE_MS) };
    senders.set(key, sender);
    return sender;
  };
  listener.on("message", (datagram, { address, port: from }) => {
    const to = target.address();
    // Nothing can be sent back to port 0, which only datagrams made by hand come from.
    if (to === undefined || from === 0) return;
    const key = `${address} ${from}`;
    if (!senders.has(key) && senders.size >= MOST_SENDERS) return;
    const sender = senders.get(key) ?? add(key, address, from);
    clearTimeout(sender.timer);
    sender.timer = setTimeout(() => forget(key), IDLE_MS);
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
      for (const key of [...senders.keys()]) forget(key);
      return new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
