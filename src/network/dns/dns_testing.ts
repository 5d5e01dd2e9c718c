/** Questions by hand, and servers that answer as they are told; for tests. */
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

/** A question. @param size of the answers that are taken, by EDNS */
export function question(name: string, type = "A", { id = 7, size }: { id?: number; size?: number } = {}): Uint8Array {
  const additionals = size === undefined ? [] : [{ type: "OPT", name: ".", udpPayloadSize: size, flags: 0 }];
  const flags = packet.RECURSION_DESIRED;
  return plain(packet.encode({ type: "query", id, flags, questions: [{ name, type }], additionals }));
}

export const read = (bytes: Uint8Array): Answer => packet.decode(Buffer.from(bytes));

/** The answer to a question, with records. */
export function answerTo(requested: Uint8Array, records: readonly object[], more: object = {}): Uint8Array {
  const { id, questions } = packet.decode(Buffer.from(requested));
  return plain(packet.encode({ type: "response", id, questions, answers: records, ...more }));
}

const plain = (buffer: Uint8Array) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();

/** Asks over UDP from an address of this machine. Undefined: no answer within `waitMs`. */
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

/** Asks over TCP, all questions on one connection. */
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
  /** As a {@link ServerAddress}. */
  readonly at: string;
  readonly requested: { readonly transport: "udp" | "tcp"; readonly port: number }[];
}

/** What a server of a test says; several for several datagrams, nothing for none. */
export type Saying = (requested: Uint8Array, transport: "udp" | "tcp") => readonly Uint8Array[];

/** A server of the world outside, on a port by chance if none is given. */
export async function fakeServer(say: Saying, address = "127.0.0.1", expected = 0): Promise<FakeServer> {
  const requested: FakeServer["requested"][number][] = [];
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    requested.push({ transport: "udp", port: from.port });
    for (const bytes of say(plain(message), "udp")) socket.send(bytes, from.port, from.address);
  });
  const port = await new Promise<number>((resolve) =>
    socket.bind(expected, address, () => resolve(socket.address().port))
  );
  const listener = Deno.listen({ hostname: address, port });
  const serving = (async () => {
    for await (const connection of listener) {
      using _connection = connection;
      for await (const message of messagesOf(connection)) {
        requested.push({ transport: "tcp", port: (connection.remoteAddr as Deno.NetAddr).port });
        for (const bytes of say(message, "tcp")) await sendMessage(connection, bytes);
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

/** Containers `web` and `db` in `back`, `db` in `vault` too, where `safe` is. Addresses are those of this machine. */
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
