import { strict as assert } from "node:assert";
import { createSocket } from "node:dgram";
import "../sys/preopen_testing.ts";
import { SILENT_LOG } from "../log.ts";
import { Epoll } from "../sys/mod.ts";
import type { PortTarget, Protocol } from "./port.ts";
import { openPort } from "./port_sockets.ts";

/** Returns a port that is free at this time. */
const freePort = () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
};

async function open(protocol: Protocol, containerPort: number, address: PortTarget["address"]) {
  const hostPort = freePort();
  const port = { protocol, containerPort, hostIp: "127.0.0.43", hostPort };
  const epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
  void epoll.run();
  const opened = await openPort(port, { address, port: containerPort }, { log: SILENT_LOG, epoll });
  const close = async () => {
    await opened[Symbol.asyncDispose]();
    await epoll.close();
  };
  return { socket: { [Symbol.asyncDispose]: close }, hostPort };
}

async function textOf(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64);
  for (let text = "";;) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

Deno.test("a connection to a port without a target is closed and reaches no port of this machine", async () => {
  using inner = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  let address: string | undefined = "127.0.0.1";
  const { socket, hostPort } = await open("tcp", (inner.addr as Deno.NetAddr).port, () => address);
  await using _socket = socket;
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of inner) accepted.push(connection);
  })();
  {
    using connection = await Deno.connect({ hostname: "127.0.0.43", port: hostPort });
    await connection.write(new Uint8Array(1));
    // The kernel completes a connection before it is accepted here.
    while (accepted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    address = undefined;
    using other = await Deno.connect({ hostname: "127.0.0.43", port: hostPort });
    const end = await other.read(new Uint8Array(1)).catch((thrown) => {
      assert.ok(thrown instanceof Deno.errors.ConnectionReset);
      return null;
    });
    assert.equal(end, null);
  }
  inner.close();
  await accepting;
  assert.equal(accepted.length, 1);
  for (const each of accepted) each.close();
});

Deno.test("bytes are proxied in both directions, each with its own half-close", async () => {
  using inner = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { socket, hostPort } = await open("tcp", (inner.addr as Deno.NetAddr).port, () => "127.0.0.1");
  await using _socket = socket;
  using client = await Deno.connect({ hostname: "127.0.0.43", port: hostPort });
  using server = await inner.accept();
  await client.write(new TextEncoder().encode("question"));
  await client.closeWrite();
  assert.equal(await textOf(server), "question");
  await server.write(new TextEncoder().encode("answer"));
  await server.closeWrite();
  assert.equal(await textOf(client), "answer");
});

Deno.test("datagrams to a port without a target are dropped", async () => {
  const inner = createSocket("udp4");
  const received: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  inner.on("message", (bytes) => {
    received.push(bytes.toString());
    resolve();
  });
  await new Promise<void>((done) => inner.bind(0, "0.0.0.0", done));
  let address: string | undefined = undefined;
  const requested = Promise.withResolvers<void>();
  const { socket, hostPort } = await open("udp", inner.address().port, () => {
    requested.resolve();
    return address;
  });
  const sender = createSocket("udp4");
  sender.send("nowhere", hostPort, "127.0.0.43");
  await requested.promise;
  address = "127.0.0.1";
  sender.send("somewhere", hostPort, "127.0.0.43");
  await promise;
  assert.deepEqual(received, ["somewhere"]);
  await socket[Symbol.asyncDispose]();
  for (const each of [inner, sender]) await new Promise<void>((done) => each.close(() => done()));
});
