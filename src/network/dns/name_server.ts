/**
 * @module
 * DNS for containers. On the address of each network's bridge a container gets the addresses of the containers that
 * share a network with it; other names are forwarded to other servers. Responses are those of Docker's embedded DNS
 * server: a name without an address of the requested family exists (NOERROR without records), and a query that no
 * server answers fails (SERVFAIL).
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { Forwarder, type ServerAddress } from "./forwarder.ts";
import { listenAtGateway } from "./gateway_listener.ts";
import { HostServers } from "./host_servers.ts";
import { parseQuery, type Query, RCODE, type Record, relayedAnswer, reply, type Transport } from "./message.ts";
import { NAME_PORT } from "./name_port.ts";
import { type NamedContainer, type NameTable, NO_NAMES } from "./name_table.ts";
import { Names } from "./names.ts";

const FAMILIES = { A: 4, AAAA: 6 } as const;

export interface NameServerOptions {
  readonly log: Log;
  readonly port?: number;
  readonly forwarder?: Forwarder;
  readonly hostServers?: Pick<HostServers, "servers">;
}

/** Serves DNS on the gateway addresses of all networks of a {@link NameTable}. */
export class NameServer implements AsyncDisposable {
  readonly #log: Log;
  readonly #port: number;
  readonly #forwarder: Forwarder;
  readonly #hostServers: Pick<HostServers, "servers">;
  /** By gateway address. */
  readonly #listeners = new Map<string, { readonly network: string; readonly socket: AsyncDisposable }>();
  #names = new Names(NO_NAMES);

  constructor(
    { log, port = NAME_PORT, forwarder = new Forwarder(), hostServers = new HostServers() }: NameServerOptions,
  ) {
    this.#log = log;
    this.#port = port;
    this.#forwarder = forwarder;
    this.#hostServers = hostServers;
  }

  /**
   * Replaces the table, and opens and closes sockets accordingly. Returns the addresses that could not be listened on,
   * each with the reason.
   */
  async update(table: NameTable): Promise<string[]> {
    this.#names = new Names(table);
    const requested = new Map(table.networks.flatMap(({ id, gateways }) => gateways.map((address) => [address, id])));
    for (const [address, { network, socket }] of [...this.#listeners]) {
      if (requested.get(address) === network) continue;
      this.#listeners.delete(address);
      await socket[Symbol.asyncDispose]();
    }
    const troubles: string[] = [];
    for (const [address, network] of requested) {
      if (this.#listeners.has(address)) continue;
      try {
        this.#listeners.set(address, { network, socket: await this.#listen(address, network) });
      } catch (thrown) {
        troubles.push(`${address}: ${toTsdError(thrown).message}`);
      }
    }
    return troubles;
  }

  /** Returns the response to a message that was received on a network's bridge; undefined if it gets none. */
  answer(
    message: Uint8Array,
    { network, source, transport }: {
      readonly network: string;
      readonly source: string;
      readonly transport: Transport;
    },
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    // No answer to unknown sources: the source address may be spoofed.
    const asker = this.#names.asker(network, source);
    if (asker === undefined) return undefined;
    const query = parseQuery(message, transport);
    if (query === undefined || query instanceof Uint8Array) return query;
    return this.#answerLocally(query, asker) ?? this.#forward(query, asker, transport);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.update(NO_NAMES);
  }

  #listen(hostname: string, network: string): Promise<AsyncDisposable> {
    const answer = (message: Uint8Array, source: string, transport: Transport) =>
      this.answer(message, { network, source, transport });
    const knows = (source: string) => this.#names.asker(network, source) !== undefined;
    return listenAtGateway({ hostname, port: this.#port }, { knows, answer }, this.#log);
  }

  /** Answers from the names of the engine's networks. Returns undefined if they don't have the name. */
  #answerLocally(query: Query, asker: NamedContainer): Uint8Array | undefined {
    const { name, type } = query;
    if (type === "PTR") {
      const pointer = this.#names.pointer(asker, name);
      return pointer === undefined ? undefined : reply(query, RCODE.NOERROR, [{ type, name: pointer }]);
    }
    const kind = type === "AAAA" ? type : "A";
    const addresses = this.#names.addresses(asker, name, FAMILIES[kind]);
    if (addresses === undefined) return undefined;
    // Containers have address records only, so other types are known not to exist.
    const records = type !== kind ? [] : shuffled(addresses).map((address): Record => ({ type: kind, address }));
    return reply(query, RCODE.NOERROR, records);
  }

  #forward(query: Query, asker: NamedContainer, transport: Transport): Uint8Array | Promise<Uint8Array> {
    const isSingleLabel = !query.name.replace(/\.$/, "").includes(".");
    if (asker.searchesFirst && isSingleLabel && (query.type === "A" || query.type === "AAAA")) {
      return reply(query, RCODE.NOERROR);
    }
    const servers = (asker.servers ?? this.#hostServers.servers).filter((server) => !this.#isSelf(server));
    if (!asker.forwards || servers.length === 0) return reply(query, RCODE.SERVFAIL);
    return this.#forwarder.ask(query, servers, transport, asker).then(
      (answer) => answer === undefined ? reply(query, RCODE.SERVFAIL) : relayedAnswer(query, answer),
      (thrown) => {
        this.#log.warn("names: a question was not passed on", { error: toTsdError(thrown).message });
        return reply(query, RCODE.SERVFAIL);
      },
    );
  }

  /** A query forwarded to ourselves would loop. */
  #isSelf(server: ServerAddress): boolean {
    return this.#listeners.has(server);
  }
}

/** Shuffles the addresses, so that clients that take the first one are spread over all of them. */
function shuffled(addresses: readonly string[]): string[] {
  const all = [...addresses];
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}
