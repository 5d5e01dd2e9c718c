/**
 * @module
 * The sockets of one address of a bridge: containers of that network ask there. Nothing else of the machine is listened on,
 * so a resolver of the host's own is left alone; and the port of all addresses can be published beside it, whichever comes
 * first (see `src/network/shared_port.ts`).
 */
import { createSocket } from "node:dgram";
import type { Log } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";
import type { Transport } from "./message.ts";
import { isEnded, messagesOf, sendMessage } from "./tcp_messages.ts";

/** What is to be said to a message; nothing to some. */
export type Answering = (
  message: Uint8Array,
  source: string,
  transport: Transport,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** Connections at once, of all and of one asker. */
const [MOST_CONNECTIONS, MOST_OF_ONE] = [256, 32];
/** How long a connection is kept that says nothing, in ms. */
const IDLE_MS = 10_000;

/** Whoever answers there. */
export interface Answerer {
  /** Whether an address is that of somebody who gets answers: nobody else may hold a connection. */
  readonly knows: (source: string) => boolean;
  readonly answer: Answering;
}

export interface GatewayPlace {
  readonly hostname: string;
  readonly port: number;
}

/** Answers until it is disposed of. @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL */
export async function listenAtGateway(place: GatewayPlace, answerer: Answerer, log: Log): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  opened.use(await listenDatagrams(place, answerer.answer, log));
  opened.use(listenConnections(place, answerer, log));
  const kept = opened.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function listenDatagrams(
  { hostname, port }: GatewayPlace,
  answer: Answering,
  log: Log,
): Promise<AsyncDisposable> {
  const family = hostname.includes(":") ? { type: "udp6", ipv6Only: true } as const : { type: "udp4" } as const;
  const socket = createSocket({ ...family, reuseAddr: true });
  // Who doesn't wait for an answer gets none.
  const notSent = (error: unknown) => log.debug("names: an answer was not sent", { error: String(error) });
  const send = (bytes: Uint8Array, to: { port: number; address: string }) => {
    socket.send(bytes, to.port, to.address, (error) => error && notSent(error));
  };
  let isOpen = true;
  socket.on("message", (message, from) => {
    // Nothing can be sent to it; whoever made the datagram by hand knows.
    if (from.port === 0) return;
    const said = answer(plain(message), from.address, "udp");
    if (said instanceof Promise) {
      said.then((bytes) => bytes !== undefined && isOpen && send(bytes, from)).catch(notSent);
    } else if (said !== undefined) send(said, from);
  });
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
    [Symbol.asyncDispose]: () => {
      isOpen = false;
      return new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Of its own, as what came in is the small beginning of a large buffer. */
const plain = (message: Uint8Array) => new Uint8Array(message.buffer, message.byteOffset, message.byteLength).slice();

function listenConnections(place: GatewayPlace, { knows, answer }: Answerer, log: Log): AsyncDisposable {
  const listener = Deno.listen({ ...place, reusePort: canReusePort() });
  const open = new Map<Deno.Conn, string>();
  const serve = async (connection: Deno.Conn, source: string) => {
    using _connection = connection;
    open.set(connection, source);
    using idle = new IdleTimer(() => connection.close());
    for await (const message of messagesOf(connection)) {
      idle.again();
      const said = await answer(message, source, "tcp");
      if (said === undefined) return;
      await sendMessage(connection, said);
    }
  };
  const accepting = (async () => {
    for await (const connection of connectionsOf(listener, log)) {
      const source = (connection.remoteAddr as Deno.NetAddr).hostname;
      const own = [...open.values()].filter((each) => each === source).length;
      if (!knows(source) || open.size >= MOST_CONNECTIONS || own >= MOST_OF_ONE) connection.close();
      else {
        void serve(connection, source).catch((thrown) => {
          if (!isEnded(thrown)) log.warn("names: a connection failed", { error: String(thrown) });
        }).finally(() => open.delete(connection));
      }
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open.keys()) connection.close();
      await accepting;
    },
  };
}

/** Whoever asks for it without `--unstable-net`, as programs may that have an engine as a part, is ended by Deno. */
const canReusePort = (): boolean => "listenDatagram" in Deno;

class IdleTimer implements Disposable {
  readonly #end: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(end: () => void) {
    this.#end = end;
    this.#timer = setTimeout(end, IDLE_MS);
  }

  again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#end, IDLE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
