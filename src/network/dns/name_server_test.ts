import { strict as assert } from "node:assert";
import { createSocket } from "node:dgram";
import { SILENT_LOG } from "../../log.ts";
import { Forwarder } from "./forwarder.ts";
import { NameServer } from "./name_server.ts";
import type { NameTable } from "./name_table.ts";
import { answerTo, askTcp, askUdp, fakeServer, question, TABLE } from "./dns_testing.ts";

/** Starts a server on a port that is free on both addresses. */
async function serve(servers: readonly string[] = [], table: NameTable = TABLE) {
  const { server, port } = await startServer(servers, table);
  const back = { address: "127.0.0.41", port };
  const ask = async (name: string, type = "A", from = "127.0.0.1") => {
    const answer = await askUdp(back, question(name, type), { from, waitMs: 2000 });
    return answer === undefined ? undefined : [answer.rcode, ...answer.answers.map(({ data }) => data)];
  };
  return { server, back, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function startServer(servers: readonly string[], table: NameTable) {
  for (;;) {
    const free = Deno.listen({ hostname: "127.0.0.41", port: 0 });
    const { port } = free.addr;
    free.close();
    const forwarder = new Forwarder({ limitMs: 600 });
    const server = new NameServer({ log: SILENT_LOG, port, forwarder, hostServers: { servers } });
    if ((await server.update(table)).length === 0) return { server, port };
    // The port is in use on the other address.
    await server[Symbol.asyncDispose]();
  }
}

Deno.test("names: containers of the network get answers, unknown sources get none", async () => {
  await using it = await serve();
  assert.deepEqual(await it.ask("db"), ["NOERROR", "127.0.0.2"]);
  assert.deepEqual((await it.ask("www"))?.toSorted(), ["127.0.0.1", "127.0.0.2", "NOERROR"]);
  assert.deepEqual(await it.ask("web", "AAAA"), ["NOERROR", "fd00::7"]);
  assert.deepEqual(await it.ask("db", "AAAA"), ["NOERROR"]);
  assert.deepEqual(await it.ask("db", "MX"), ["NOERROR"]);
  assert.deepEqual(await it.ask("2.0.0.127.in-addr.arpa", "PTR"), ["NOERROR", "db.back"]);
  assert.deepEqual(await it.ask("safe"), ["SERVFAIL"]);
  assert.deepEqual(await it.ask("safe", "A", "127.0.0.2"), ["NOERROR", "127.0.0.4"]);
  const stranger = { from: "127.0.0.77", waitMs: 100 };
  assert.equal(await askUdp(it.back, question("db"), stranger), undefined);
  const answers = await askTcp(it.back, question("db"), question("web", "AAAA"));
  assert.deepEqual(answers.map((answer) => answer.answers[0]!.data), ["127.0.0.2", "fd00::7"]);
});

Deno.test("names: a new table takes effect at once; networks are added and removed; an address in use is reported", async () => {
  await using it = await serve();
  const { networks, containers } = TABLE;
  const renamed = { ...containers[1]!, endpoints: [{ ...containers[1]!.endpoints[0]!, names: ["store"] }] };
  assert.deepEqual(await it.server.update({ networks, containers: [containers[0]!, renamed] }), []);
  assert.deepEqual([await it.ask("store"), await it.ask("db")], [["NOERROR", "127.0.0.2"], ["SERVFAIL"]]);
  assert.deepEqual(await it.server.update({ networks: [networks[1]!], containers }), []);
  using _other = Deno.listen({ hostname: "127.0.0.41", port: it.back.port });
  const troubles = await it.server.update(TABLE);
  assert.equal(troubles.length, 1);
  assert.match(troubles[0]!, /^127\.0\.0\.41: .*in use/i);
});

Deno.test("names: connections of unknown sources are closed at once", async () => {
  await using it = await serve();
  using stranger = await Deno.connect({ hostname: "127.0.0.42", port: it.back.port });
  const response = await stranger.read(new Uint8Array(1)).catch((thrown) => {
    assert.ok(thrown instanceof Deno.errors.ConnectionReset);
    return null;
  });
  assert.equal(response, null);
});

Deno.test("names: unknown names are forwarded unless the network is internal", async () => {
  const record = { name: "example.org", type: "A", ttl: 5, data: "192.0.2.1" };
  await using outside = await fakeServer((requested) => [answerTo(requested, [record])]);
  await using it = await serve([outside.at]);
  assert.deepEqual(await it.ask("example.org"), ["NOERROR", "192.0.2.1"]);
  assert.deepEqual(await it.ask("plain", "A", "127.0.0.2"), ["NOERROR"]);
  assert.deepEqual(await it.ask("plain"), ["NOERROR", "192.0.2.1"]);
  assert.equal(outside.requested.length, 2);
  const vault = { address: "127.0.0.42", port: it.back.port };
  const refused = await askUdp(vault, question("example.org"), { from: "127.0.0.4" });
  assert.equal(refused?.rcode, "SERVFAIL");
  assert.equal(outside.requested.length, 2);
});

Deno.test("names: 2,000 queries a second are all answered", async () => {
  await using it = await serve();
  const socket = createSocket("udp4");
  const answered = new Set<number>();
  const all = Promise.withResolvers<void>();
  const [total, perTick, tickMs] = [2000, 20, 10];
  socket.on("message", (bytes) => {
    answered.add(bytes.readUInt16BE(0));
    if (answered.size === total) all.resolve();
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  let sent = 0;
  const sending = setInterval(() => {
    for (let at = 0; at < perTick && sent < total; at++) {
      socket.send(question("db", "A", { id: sent++ }), it.back.port, it.back.address);
    }
    if (sent === total) clearInterval(sending);
  }, tickMs);
  const deadline = setTimeout(all.resolve, 15_000);
  await all.promise;
  clearTimeout(deadline);
  socket.close();
  assert.equal(answered.size, total);
});
