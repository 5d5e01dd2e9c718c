/**
 * @module
 * DNS over UDP at one address of a bridge. Deno's own datagram sockets cost less than half of Node's but exist only
 * with `--unstable-net`, which programs that embed an engine may lack.
 */
/// <reference lib="deno.unstable" />
import { createSocket } from "node:dgram";
import type { Log } from "../../log.ts";
import type { GatewaySocket, MessageHandler } from "./gateway_listener.ts";

/** Checked by name: without the flag Deno exits the process on access. */
export const HAS_UNSTABLE_NET = "listenDatagram" in Deno;

/** Maximum size of a datagram. */
const MAX_DATAGRAM_BYTES = 65_536;
/** How long to wait after a failed receive, in ms. */
const PAUSE_MS = 100;

interface Sender {
  readonly address: string;
  readonly port: number;
}

/** A UDP socket of Deno's or Node's API. Received datagrams are passed to the `receive` callback it was opened with. */
interface Datagrams extends AsyncDisposable {
  /** Sends a datagram without waiting. A failure is logged only. */
  send(bytes: Uint8Array, to: Sender): void;
}

type Open = (
  listenAddress: GatewaySocket,
  receive: (bytes: Uint8Array, from: Sender) => void,
  log: Log,
) => Promise<Datagrams>;

/**
 * Answers queries until disposed.
 * @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL
 */
export async function listenDatagrams(
  listenAddress: GatewaySocket,
  answer: MessageHandler,
  log: Log,
  open: Open = HAS_UNSTABLE_NET ? openDenos : openNodes,
): Promise<AsyncDisposable> {
  let isOpen = true;
  const socket = await open(listenAddress, (message, from) => {
    // Port 0 can't be replied to. Only forged datagrams have it as their source.
    if (from.port === 0) return;
    const response = answer(message, from.address, "udp");
    if (response instanceof Promise) {
      response.then((bytes) => bytes !== undefined && isOpen && socket.send(bytes, from)).catch((error) =>
        notSent(log, error)
      );
    } else if (response !== undefined) socket.send(response, from);
  }, log);
  return {
    [Symbol.asyncDispose]: () => {
      isOpen = false;
      return socket[Symbol.asyncDispose]();
    },
  };
}

const notSent = (log: Log, error: unknown) => log.debug("names: an answer was not sent", { error: String(error) });

/** Opens a socket with Deno's API. */
export const openDenos: Open = ({ hostname, port }, receive, log) => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress: true });
  let isOpen = true;
  const reading = (async () => {
    for (const buffer = new Uint8Array(MAX_DATAGRAM_BYTES); isOpen;) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        const { hostname: address, port } = from as Deno.NetAddr;
        // Copied, as the answer may be deferred while the buffer receives the next datagram.
        receive(bytes.slice(), { address, port });
      } catch (thrown) {
        if (!isOpen) return;
        log.warn("names: a socket has trouble", { hostname, error: String(thrown) });
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  })();
  return Promise.resolve({
    send: (bytes, { address, port }) =>
      void socket.send(bytes, { transport: "udp", hostname: address, port }).catch((error) => notSent(log, error)),
    async [Symbol.asyncDispose]() {
      isOpen = false;
      socket.close();
      await reading;
    },
  });
};

/** Opens a socket with Node's API. */
export const openNodes: Open = async ({ hostname, port }, receive, log) => {
  const family = hostname.includes(":") ? { type: "udp6", ipv6Only: true } as const : { type: "udp4" } as const;
  const socket = createSocket({ ...family, reuseAddr: true });
  // Copied, as the message is a small slice of a large pooled buffer.
  const plain = (message: Uint8Array) => new Uint8Array(message.buffer, message.byteOffset, message.byteLength).slice();
  socket.on("message", (message, from) => receive(plain(message), from));
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, hostname, () => {
      socket.off("error", reject);
      socket.on("error", (error) => log.warn("names: a socket has trouble", { hostname, error: error.message }));
      resolve();
    });
  }).catch((thrown) => {
    socket.close();
    throw thrown;
  });
  return {
    send: (bytes, { address, port }) => socket.send(bytes, port, address, (error) => error && notSent(log, error)),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
};
