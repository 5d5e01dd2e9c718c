/** Test support: builds queries, and runs DNS servers with scripted answers. */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import packet from "dns-packet";
import type { NameTable } from "./name_table.ts";
import { messagesOf, sendMessage } from "./tcp_messages.ts";

export interface Answer {
  readonly id: number;
  readonly rcode: string;
  readonly flag_tc: boolean;
  readonly flag_ra: boolean;
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers: readonly {
    readonly name: string;
    readonly type: string;
    readonly data: string;
    readonly ttl: number;
  }[];
  readonly additionals: readonly { readonly type: string; readonly extendedRcode?: number }[];
}

/**
 * Encodes a query.
 * @param size maximum size of a UDP answer in bytes, announced with EDNS
 */
export function question(name: string, type = "A", { id = 7, size }: { id?: number; size?: number } = {}): Uint8Array {
  const additionals = size === undefined ? [] : [{ type: "OPT", name: ".", udpPayloadSize: size, flags: 0 }];
  const flags = packet.RECURSION_DESIRED;
  return plain(packet.encode({ type: "query", id, flags, questions: [{ name, type }], additionals }));
}

export const read = (bytes: Uint8Array): Answer => packet.decode(Buffer.from(bytes));

/** Encodes an answer with these records to a query. */
export function answerTo(requested: Uint8Array, records: readonly object[], more: object = {}): Uint8Array {
  const { id, questions } = packet.decode(Buffer.from(requested));
  return plain(packet.encode({ type: "response", id, questions, answers: records, ...more }));
}

const plain = (buffer: Uint8Array) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();

/** Sends a query over UDP from a local address. Returns undefined if no answer came within `waitMs`. */
export async function askUdp(
  server: { readonly address: string; readonly port: number },
  message: Uint8Array,
  { from = "127.0.0.1", waitMs = 5_000 }: { from?: string; waitMs?: number } = {},
): Promise<Answer | undefined> {
  const socket = createSocket(from.includes(":") ? "udp6" : "udp4");
  try {
    return await new Promise<Answer | undefined>((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), waitMs);
      socket.on("error", reject);
      socket.on("message", (bytes) => {
        clearTimeout(timer);
        resolve(read(bytes));
      });
      socket.bind(0, from, () => socket.send(message, server.port, server.address));
    });
  } finally {
    socket.close();
  }
}

/** Sends all queries over one TCP connection and returns their answers. */
export async function askTcp(
  { address, port }: { readonly address: string; readonly port: number },
  ...messages: readonly Uint8Array[]
): Promise<Answer[]> {
  using connection = await Deno.connect({ hostname: address, port });
  for (const message of messages) await sendMessage(connection, message);
  const answers: Answer[] = [];
  for await (const bytes of messagesOf(connection)) {
    answers.push(read(bytes));
    if (answers.length === messages.length) break;
  }
  return answers;
}

export interface FakeServer extends AsyncDisposable {
  /** The server's address as a {@link ServerAddress}. */
  readonly at: string;
  readonly requested: { readonly transport: "udp" | "tcp"; readonly port: number }[];
}

/** Returns the datagrams or messages to answer with; none to stay silent. */
export type Saying = (requested: Uint8Array, transport: "udp" | "tcp") => readonly Uint8Array[];

/** Starts an upstream DNS server on UDP and TCP, on a random port if `requestedPort` is 0. */
export async function fakeServer(
  respond: Saying,
  address = "127.0.0.1",
  requestedPort = 0,
): Promise<FakeServer> {
  const requested: FakeServer["requested"][number][] = [];
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    requested.push({ transport: "udp", port: from.port });
    for (const bytes of respond(plain(message), "udp")) socket.send(bytes, from.port, from.address);
  });
  const port = await new Promise<number>((resolve) =>
    socket.bind(requestedPort, address, () => resolve(socket.address().port))
  );
  const listener = Deno.listen({ hostname: address, port });
  const serving = (async () => {
    for await (const connection of listener) {
      using _connection = connection;
      for await (const message of messagesOf(connection)) {
        requested.push({ transport: "tcp", port: (connection.remoteAddr as Deno.NetAddr).port });
        for (const bytes of respond(message, "tcp")) await sendMessage(connection, bytes);
      }
    }
  })();
  return {
    at: `${address}#${port}`,
    requested,
    async [Symbol.asyncDispose]() {
      listener.close();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
      await serving;
    },
  };
}

/**
 * Containers `web` and `db` in network `back`; `db` and `safe` in network `vault`. Addresses are loopback addresses.
 */
export const TABLE: NameTable = {
  networks: [
    { id: "b", name: "back", gateways: ["127.0.0.41"] },
    { id: "v", name: "vault", gateways: ["127.0.0.42"] },
  ],
  containers: [
    {
      endpoints: [{ network: "b", names: ["web", "www", "0123456789ab"], addresses: ["127.0.0.1", "fd00::7"] }],
      forwards: true,
      searchesFirst: false,
    },
    {
      endpoints: [
        { network: "b", names: ["db", "www"], addresses: ["127.0.0.2"] },
        { network: "v", names: ["db"], addresses: ["127.0.0.3"] },
      ],
      forwards: true,
      searchesFirst: true,
    },
    {
      endpoints: [{ network: "v", names: ["safe"], addresses: ["127.0.0.4"] }],
      forwards: false,
      searchesFirst: false,
    },
  ],
};
