/**
 * @module
 * Asks other servers what the engine's networks don't know. Each question has a socket and a number of its own, both by
 * chance, and only the answer to that very question from that very server counts (RFC 5452).
 */
import { createSocket } from "node:dgram";
import { answers, isTruncated, type Query, RCODE, rcodeOf, renumbered, type Transport } from "./message.ts";
import { tcpExchange } from "./tcp_messages.ts";

/** What a question may take in all, in ms: less than the 5 s after which resolvers ask again. */
const LIMIT_MS = 4_500;
/** As many as resolvers use. */
const MOST_SERVERS = 3;
/** Questions under way, of all containers and of one. */
const [MOST_QUESTIONS, MOST_OF_ONE] = [1024, 256];
const PORT = 53;

/** A server, `ADDRESS` or `ADDRESS#PORT`. */
export type ServerAddress = string;

/** Asks one server once; undefined: no answer in time. */
type Exchange = (query: Query, server: ServerAddress, timeoutMs: number) => Promise<Uint8Array | undefined>;

/** See the module's comment. */
export class Forwarder {
  readonly #limitMs: number;
  /** Under way, by who asks. */
  readonly #open = new Map<object, number>();
  #count = 0;

  constructor({ limitMs = LIMIT_MS }: { readonly limitMs?: number } = {}) {
    this.#limitMs = limitMs;
  }

  /** The answer of the first server that has one; undefined: none, or too many questions at once. */
  async ask(
    query: Query,
    servers: readonly ServerAddress[],
    transport: Transport,
    asker: object,
  ): Promise<Uint8Array | undefined> {
    const own = this.#open.get(asker) ?? 0;
    if (this.#count >= MOST_QUESTIONS || own >= MOST_OF_ONE) return undefined;
    this.#count++;
    this.#open.set(asker, own + 1);
    try {
      return await this.#askEach(query, servers.slice(0, MOST_SERVERS), transport === "tcp" ? overTcp : overUdp);
    } finally {
      this.#count--;
      const left = this.#open.get(asker)! - 1;
      if (left === 0) this.#open.delete(asker);
      else this.#open.set(asker, left);
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

/** What doesn't fit into a datagram is asked for again over TCP; where that fails, the container may try itself. */
async function overUdp(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const startedMs = performance.now();
  const answer = await datagramExchange(query, server, timeoutMs);
  if (answer === undefined || !isTruncated(answer)) return answer;
  const restMs = Math.max(timeoutMs - (performance.now() - startedMs), timeoutMs / 2);
  return await overTcp(query, server, restMs) ?? answer;
}

async function overTcp(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const id = randomId();
  const { address, port } = partsOf(server);
  const answer = await tcpExchange(renumbered(query, id), { hostname: address, port }, timeoutMs);
  return answer !== undefined && answers(answer, query, id) ? answer : undefined;
}

function datagramExchange(query: Query, server: ServerAddress, timeoutMs: number): Promise<Uint8Array | undefined> {
  const { address, port } = partsOf(server);
  const id = randomId();
  // Without a bind(2) of ours the kernel chooses the port by chance.
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  // A server that can't be reached is one that doesn't answer.
  socket.on("error", () => resolve(undefined));
  socket.on("message", (message, from) => {
    const bytes = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
    if (from.address === address && from.port === port && answers(bytes, query, id)) resolve(bytes);
  });
  socket.send(renumbered(query, id), port, address, (error) => error && resolve(undefined));
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
