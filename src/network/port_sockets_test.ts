import { strict as assert } from "node:assert";
import { createSocket } from "node:dgram";
import "../sys/preopen.ts";
import { SILENT_LOG } from "../log.ts";
import type { PortTarget, Protocol } from "./port.ts";
import { openPort } from "./port_sockets.ts";

/** A port that nobody has for now. */
const freePort = () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
};

const open = (protocol: Protocol, containerPort: number, address: PortTarget["address"]) => {
  const hostPort = freePort();
  const port = { protocol, containerPort, hostIp: "127.0.0.43", hostPort };
  return openPort(port, { address, port: containerPort }, SILENT_LOG).then((socket) => ({ socket, hostPort }));
};

Deno.test("a connection to a port that leads nowhere ends, and reaches nothing of this machine", async () => {
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
    address = undefined;
    using other = await Deno.connect({ hostname: "127.0.0.43", port: hostPort });
    const end = await other.read(new Uint8Array(1)).catch((thrown) => {
      assert.ok(thrown instanceof Deno.errors.ConnectionReset);
      return null;
    });
    assert.equal(end, null);
    await connection.write(new Uint8Array(1));
    while (accepted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  inner.close();
  await accepting;
  assert.equal(accepted.length, 1);
  for (const each of accepted) each.close();
});

Deno.test("datagrams to a port that leads nowhere are dropped", async () => {
  const inner = createSocket("udp4");
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  inner.on("message", (bytes) => {
    heard.push(bytes.toString());
    resolve();
  });
  await new Promise<void>((done) => inner.bind(0, "0.0.0.0", done));
  let address: string | undefined = undefined;
  const asked = Promise.withResolvers<void>();
  const { socket, hostPort } = await open("udp", inner.address().port, () => {
    asked.resolve();
    return address;
  });
  const sender = createSocket("udp4");
  sender.send("nowhere", hostPort, "127.0.0.43");
  await asked.promise;
  address = "127.0.0.1";
  sender.send("somewhere", hostPort, "127.0.0.43");
  await promise;
  assert.deepEqual(heard, ["somewhere"]);
  await socket[Symbol.asyncDispose]();
  for (const each of [inner, sender]) await new Promise<void>((done) => each.close(() => done()));
});
