/**
 * @module
 * The DNS sockets on one address of a bridge, where the containers of its network send their queries. No other address
 * of the machine is bound, so a resolver of the host is not disturbed, and the same engine can publish port 53 on all
 * addresses, before or after (see `src/network/shared_port.ts`).
 */
import type { Log } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";
import { HAS_UNSTABLE_NET, listenDatagrams } from "./gateway_datagrams.ts";
import type { Transport } from "./message.ts";
import { isEnded, messagesOf, sendMessage } from "./tcp_messages.ts";

/** Returns the response to a message; undefined if it gets none. */
export type MessageHandler = (
  message: Uint8Array,
  source: string,
  transport: Transport,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** Limits on open connections: of all clients, and of one. */
const [MAX_CONNECTIONS, MAX_CONNECTIONS_OF_SOURCE] = [256, 32];
/** How long a connection may be idle, in ms. */
const IDLE_MS = 10_000;

/** Serves the queries received at a gateway address. */
export interface QueryHandler {
  /** Whether an address is a client's. Connections from other addresses are closed. */
  readonly knows: (source: string) => boolean;
  readonly answer: MessageHandler;
}

export interface GatewaySocket {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Serves UDP and TCP queries until disposed.
 * @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL
 */
export async function listenAtGateway(
  listenAddress: GatewaySocket,
  handler: QueryHandler,
  log: Log,
): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  opened.use(await listenDatagrams(listenAddress, handler.answer, log));
  opened.use(listenConnections(listenAddress, handler, log));
  const sockets = opened.move();
  return { [Symbol.asyncDispose]: () => sockets.disposeAsync() };
}

function listenConnections(listenAddress: GatewaySocket, { knows, answer }: QueryHandler, log: Log): AsyncDisposable {
  const listener = Deno.listen({ ...listenAddress, reusePort: HAS_UNSTABLE_NET });
  const open = new Map<Deno.Conn, string>();
  const serve = async (connection: Deno.Conn, source: string) => {
    using _connection = connection;
    open.set(connection, source);
    using idle = new IdleTimer(() => connection.close());
    for await (const message of messagesOf(connection)) {
      idle.restart();
      const response = await answer(message, source, "tcp");
      if (response === undefined) return;
      await sendMessage(connection, response);
    }
  };
  const accepting = (async () => {
    for await (const connection of connectionsOf(listener, log)) {
      const source = (connection.remoteAddr as Deno.NetAddr).hostname;
      const ofSource = [...open.values()].filter((each) => each === source).length;
      if (!knows(source) || open.size >= MAX_CONNECTIONS || ofSource >= MAX_CONNECTIONS_OF_SOURCE) connection.close();
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

class IdleTimer implements Disposable {
  readonly #end: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(end: () => void) {
    this.#end = end;
    this.#timer = setTimeout(end, IDLE_MS);
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#end, IDLE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
