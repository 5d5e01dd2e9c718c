/**
 * @module
 * Questions in datagrams at one address of a bridge. Deno's own sockets cost less than half of Node's, but they are there
 * with `--unstable-net` only: programs that have an engine as a part may be without it.
 */
/// <reference lib="deno.unstable" />
import { createSocket } from "node:dgram";
import type { Log } from "../../log.ts";
import type { GatewaySocket, ResponseWriter } from "./gateway_listener.ts";

/** Whoever asks for what isn't there without it is ended by Deno. */
export const HAS_UNSTABLE_NET = "listenDatagram" in Deno;

/** The largest datagram. */
const MOST_BYTES = 65_536;
/** How long nothing is received after a failure, in ms. */
const PAUSE_MS = 100;

interface Sender {
  readonly address: string;
  readonly port: number;
}

/** A socket of either kind, which gives what comes to `receive`. */
interface Datagrams extends AsyncDisposable {
  /** Who doesn't wait for an answer gets none. */
  send(bytes: Uint8Array, to: Sender): void;
}

type Open = (place: GatewaySocket, receive: (bytes: Uint8Array, from: Sender) => void, log: Log) => Promise<Datagrams>;

/** Answers until it is disposed of. @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL */
export async function listenDatagrams(
  place: GatewaySocket,
  answer: ResponseWriter,
  log: Log,
  open: Open = HAS_UNSTABLE_NET ? openDenos : openNodes,
): Promise<AsyncDisposable> {
  let isOpen = true;
  const socket = await open(place, (message, from) => {
    // Nothing can be sent to it; whoever made the datagram by hand knows.
    if (from.port === 0) return;
    const said = answer(message, from.address, "udp");
    if (said instanceof Promise) {
      said.then((bytes) => bytes !== undefined && isOpen && socket.send(bytes, from)).catch((error) =>
        notSent(log, error)
      );
    } else if (said !== undefined) socket.send(said, from);
  }, log);
  return {
    [Symbol.asyncDispose]: () => {
      isOpen = false;
      return socket[Symbol.asyncDispose]();
    },
  };
}

const notSent = (log: Log, error: unknown) => log.debug("names: an answer was not sent", { error: String(error) });

/** By Deno's. */
export const openDenos: Open = ({ hostname, port }, receive, log) => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress: true });
  let isOpen = true;
  const reading = (async () => {
    for (const buffer = new Uint8Array(MOST_BYTES); isOpen;) {
      try {
        const [bytes, from] = await socket.receive(buffer);
        const { hostname: address, port } = from as Deno.NetAddr;
        // Of its own: it may be asked about elsewhere while the next one comes.
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

/** By Node's. */
export const openNodes: Open = async ({ hostname, port }, receive, log) => {
  const family = hostname.includes(":") ? { type: "udp6", ipv6Only: true } as const : { type: "udp4" } as const;
  const socket = createSocket({ ...family, reuseAddr: true });
  // Of its own, as what came in is the small beginning of a large buffer.
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
