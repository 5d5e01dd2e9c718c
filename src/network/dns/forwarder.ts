/**
 * @module
 * Forwards queries for names outside the engine's networks to other servers. Each query has its inFlight socket with a
 * random source port and a random ID, and only an answer from that server to exactly that query is accepted (RFC 5452).
 */
import { createSocket } from "node:dgram";
import { answers, isTruncated, type Query, RCODE, rcodeOf, type Transport, withId } from "./message.ts";
import { tcpExchange } from "./tcp_messages.ts";

/** Time limit of a query in ms: below the 5 s after which resolvers retry. */
const LIMIT_MS = 4_500;
/** The number of servers that resolvers use (MAXNS in resolv.h). */
const MAX_SERVERS = 3;
/** Limits on queries in flight: of all containers, and of one. */
const [MAX_QUERIES, MAX_QUERIES_OF_CLIENT] = [1024, 256];
const PORT = 53;

/** A server: `ADDRESS` or `ADDRESS#PORT`. */
export type ServerAddress = string;

/** Queries one server once. Returns undefined if no answer came in time. */
type Exchange = (query: Query, server: ServerAddress, timeoutMs: number) => Promise<Uint8Array | undefined>;

/** Forwards queries to other servers, one server after another, with a limit on queries in flight for each client. */
export class Forwarder {
  readonly #limitMs: number;
  /** Queries in flight by client. */
  readonly #inFlight = new Map<object, number>();
  #count = 0;

  constructor({ limitMs = LIMIT_MS }: { readonly limitMs?: number } = {}) {
    this.#limitMs = limitMs;
  }

  /**
   * Returns the first usable answer; SERVFAIL or REFUSED only if no later server does better. Returns undefined if no
   * server answered, or if too many queries are in flight.
   * @param asker identity of the client, for its limit
   */
  async ask(
    query: Query,
    servers: readonly ServerAddress[],
    transport: Transport,
    asker: object,
  ): Promise<Uint8Array | undefined> {
    const inFlight = this.#inFlight.get(asker) ?? 0;
    if (this.#count >= MAX_QUERIES || inFlight >= MAX_QUERIES_OF_CLIENT) return undefined;
    this.#count++;
    this.#inFlight.set(asker, inFlight + 1);
    try {
      return await this.#askEach(query, servers.slice(0, MAX_SERVERS), transport === "tcp" ? overTcp : overUdp);
    } finally {
      this.#count--;
      const remaining = this.#inFlight.get(asker)! - 1;
      if (remaining === 0) this.#inFlight.delete(asker);
      else this.#inFlight.set(asker, remaining);
    }
  }

  async #askEach(
    query: Query,
    servers: readonly ServerAddress[],
    exchange: Exchange,
  ): Promise<Uint8Array | undefined> {
    let failure: Uint8Array | undefined;
    for (const server of servers) {
      const answer = await exchange(query, server, this.#limitMs / servers.length);
      if (answer === undefined) continue;
      const rcode = rcodeOf(answer);
      if (rcode !== RCODE.SERVFAIL && rcode !== RCODE.REFUSED) return answer;
      failure ??= answer;
    }
    return failure;
  }
}

/**
 * Retries over TCP if the answer was truncated. If that fails, returns the truncated answer, so that the container can
 * retry.
 */
async function overUdp(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const startedMs = performance.now();
  const answer = await datagramExchange(query, server, timeoutMs);
  if (answer === undefined || !isTruncated(answer)) return answer;
  const remainingMs = Math.max(timeoutMs - (performance.now() - startedMs), timeoutMs / 2);
  return await overTcp(query, server, remainingMs) ?? answer;
}

async function overTcp(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const id = randomId();
  const { address, port } = partsOf(server);
  const answer = await tcpExchange(withId(query, id), { hostname: address, port }, timeoutMs);
  return answer !== undefined && answers(answer, query, id) ? answer : undefined;
}

function datagramExchange(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const { address, port } = partsOf(server);
  const id = randomId();
  // Without an explicit bind(2) the kernel chooses a random source port.
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  // An unreachable server counts as one that does not answer.
  socket.on("error", () => resolve(undefined));
  socket.on("message", (message, from) => {
    const bytes = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
    if (from.address === address && from.port === port && answers(bytes, query, id)) resolve(bytes);
  });
  socket.send(withId(query, id), port, address, (error) => error && resolve(undefined));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}

function partsOf(server: ServerAddress): { address: string; port: number } {
  const [address = "", port] = server.split("#");
  return { address, port: port === undefined ? PORT : Number(port) };
}
