/**
 * @module
 * The sockets of one address of a bridge: containers of that network ask there. Nothing else of the machine is listened on,
 * so a resolver of the host's own is left alone; and the same engine can publish the port of all addresses beside it, before
 * or after (see `src/network/shared_port.ts`).
 */
import type { Log } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";
import { HAS_UNSTABLE_NET, listenDatagrams } from "./gateway_datagrams.ts";
import type { Transport } from "./message.ts";
import { isEnded, messagesOf, sendMessage } from "./tcp_messages.ts";

/** What is to be said to a message; nothing to some. */
export type ResponseWriter = (
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
  readonly answer: ResponseWriter;
}

export interface GatewaySocket {
  readonly hostname: string;
  readonly port: number;
}

/** Answers until it is disposed of. @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL */
export async function listenAtGateway(place: GatewaySocket, answerer: Answerer, log: Log): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  opened.use(await listenDatagrams(place, answerer.answer, log));
  opened.use(listenConnections(place, answerer, log));
  const kept = opened.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function listenConnections(place: GatewaySocket, { knows, answer }: Answerer, log: Log): AsyncDisposable {
  const listener = Deno.listen({ ...place, reusePort: HAS_UNSTABLE_NET });
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
