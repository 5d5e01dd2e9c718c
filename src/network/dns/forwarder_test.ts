import { strict as assert } from "node:assert";
import { Forwarder } from "./forwarder.ts";
import { parseQuery, type Query } from "./message.ts";
import { answerTo, fakeServer, question, read } from "./dns_testing.ts";

const NAME = "example.org";
const record = (data: string) => ({ name: NAME, type: "A", ttl: 5, data });
const query = parseQuery(question(NAME), "udp") as Query;
const quick = () => new Forwarder({ limitMs: 400 });

async function requested(servers: readonly string[], forwarder = quick()): Promise<string[]> {
  const answer = await forwarder.ask(query, servers, "udp", {});
  return answer === undefined ? [] : [read(answer).rcode, ...read(answer).answers.map(({ data }) => data)];
}

Deno.test("forwarder: a silent or failing server is skipped for the next one", async () => {
  await using silent = await fakeServer(() => []);
  await using failing = await fakeServer((message) => [answerTo(message, [], { flags: 2 })]);
  await using good = await fakeServer((message) => [answerTo(message, [record("192.0.2.1")])]);
  assert.deepEqual(await requested([silent.at, failing.at, good.at]), ["NOERROR", "192.0.2.1"]);
  assert.deepEqual(await requested([silent.at, failing.at]), ["SERVFAIL"]);
  assert.deepEqual(await requested([silent.at]), []);
  await using missing = await fakeServer((message) => [answerTo(message, [], { flags: 3 })]);
  assert.deepEqual(await requested([missing.at, good.at]), ["NXDOMAIN"]);
});

Deno.test("forwarder: messages that do not match the query are ignored", async () => {
  await using liar = await fakeServer((message) => {
    const other = message.slice();
    other[0]! ^= 1;
    return [
      answerTo(other, [record("192.0.2.66")]),
      answerTo(question("example.net", "A", { id: read(message).id }), [record("192.0.2.66")]),
      new Uint8Array(3),
      message,
      answerTo(message, [record("192.0.2.1")]),
    ];
  });
  assert.deepEqual(await requested([liar.at]), ["NOERROR", "192.0.2.1"]);
});

Deno.test("forwarder: a truncated answer is retried over TCP; queries use different source ports", async () => {
  await using large = await fakeServer((message, transport) =>
    transport === "udp"
      ? [answerTo(message, [], { flags: 0x200 })]
      : [answerTo(message, Array.from({ length: 100 }, (_, at) => record(`192.0.2.${at}`)))]
  );
  assert.equal((await requested([large.at])).length, 101);
  assert.deepEqual(large.requested.map(({ transport }) => transport), ["udp", "tcp"]);
  const forwarder = quick();
  await Promise.all(Array.from({ length: 20 }, () => requested([large.at], forwarder)));
  const ports = large.requested.filter(({ transport }) => transport === "udp").map(({ port }) => port);
  assert.ok(new Set(ports).size > 15, ports.join());
});

Deno.test("forwarder: queries in flight are limited for each client", async () => {
  await using silent = await fakeServer(() => []);
  const forwarder = quick();
  const asker = {};
  await Promise.all(Array.from({ length: 400 }, () => forwarder.ask(query, [silent.at], "udp", asker)));
  assert.ok(silent.requested.length <= 256, String(silent.requested.length));
});
