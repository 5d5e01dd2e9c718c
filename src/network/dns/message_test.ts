import { strict as assert } from "node:assert";
import fc from "fast-check";
import { answers, parseQuery, type Query, RCODE, type Record, relayedAnswer, reply, withId } from "./message.ts";
import { answerTo, question, read } from "./dns_testing.ts";

function parsed(bytes: Uint8Array): Query {
  const query = parseQuery(bytes, "udp");
  assert.ok(query !== undefined && !(query instanceof Uint8Array), "not a query");
  return query;
}

const many = (count: number): Record[] =>
  Array.from({ length: count }, (_, at) => ({ type: "A", address: `10.0.${at >> 8}.${at & 255}` }));

Deno.test("an answer repeats the question; records that don't fit are dropped and the answer is marked as truncated", () => {
  const whole = read(reply(parsed(question("Web")), RCODE.NOERROR, many(2)));
  assert.deepEqual([whole.id, whole.rcode, whole.flag_tc, whole.flag_ra], [7, "NOERROR", false, true]);
  assert.deepEqual(whole.questions, [{ name: "Web", type: "A", class: "IN" }]);
  assert.deepEqual(whole.answers.map(({ data, ttl }) => [data, ttl]), [["10.0.0.0", 600], ["10.0.0.1", 600]]);
  for (const [size, limit] of [[undefined, 512], [100, 512], [4096, 1232]] as const) {
    const bytes = reply(parsed(question("web", "A", { size })), RCODE.NOERROR, many(1000));
    assert.ok(bytes.length <= limit, `${bytes.length}`);
    const part = read(bytes);
    assert.ok(part.flag_tc && part.answers.length > 0);
    assert.equal(part.additionals.length, size === undefined ? 0 : 1);
  }
  const query = parseQuery(question("web"), "tcp") as Query;
  assert.equal(read(reply(query, RCODE.NOERROR, many(1000))).answers.length, 1000);
});

Deno.test("an unsupported or malformed query gets an error response or none", () => {
  const refused = (change: (bytes: Uint8Array) => void, rcode: number) => {
    const bytes = question("web");
    change(bytes);
    const refusal = parseQuery(bytes, "udp");
    assert.ok(refusal instanceof Uint8Array);
    assert.equal(refusal[3]! & 0xf, rcode);
    assert.ok(refusal.length <= bytes.length);
  };
  refused((bytes) => bytes[2] = 0x28, RCODE.NOTIMP);
  refused((bytes) => bytes[5] = 2, RCODE.FORMERR);
  refused((bytes) => bytes[7] = 1, RCODE.FORMERR);
  refused((bytes) => bytes[12] = 0xff, RCODE.FORMERR);
  refused((bytes) => bytes[bytes.length - 1] = 3, RCODE.REFUSED);
  assert.equal(parseQuery(question("web").subarray(0, 11), "udp"), undefined);
  assert.equal(parseQuery(answerTo(question("web"), []), "udp"), undefined);
  const future = question("web", "A", { size: 4096 });
  // The EDNS version is the second byte of the OPT record's TTL field.
  future[future.length - 5] = 1;
  const { additionals } = read(parseQuery(future, "udp") as Uint8Array);
  assert.equal(additionals[0]!.extendedRcode, 1);
});

Deno.test("arbitrary bytes are parsed, refused or dropped, and never amplified", () => {
  const damaged = fc.tuple(fc.domain(), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 })).map(
    ([name, changes]) => {
      const bytes = question(name, "A", { size: 1232 });
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    },
  );
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged), (bytes) => {
    const result = parseQuery(bytes, "udp");
    if (result instanceof Uint8Array) assert.ok(result.length <= Math.max(12, bytes.length));
    else if (result !== undefined) {
      const response = reply(result, RCODE.SERVFAIL);
      assert.deepEqual(response.subarray(12, result.questionEnd), bytes.subarray(12, result.questionEnd));
      assert.ok(answers(response, result, result.id));
    }
  }));
});

Deno.test("an answer matches its own query only", () => {
  const query = parsed(question("web.example"));
  const requested = withId(query, 99);
  assert.ok(answers(answerTo(requested, []), query, 99));
  assert.ok(answers(answerTo(question("WEB.example", "A", { id: 99 }), []), query, 99));
  assert.ok(!answers(answerTo(requested, []), query, 98));
  assert.ok(!answers(requested, query, 99));
  assert.ok(!answers(answerTo(question("web.exampel", "A", { id: 99 }), []), query, 99));
  assert.ok(!answers(answerTo(question("web.example", "AAAA", { id: 99 }), []), query, 99));
  assert.ok(!answers(new Uint8Array(5), query, 99));
});

Deno.test("an upstream answer is relayed with the query's ID, or truncated", () => {
  const query = parsed(question("web.example"));
  const requested = withId(query, 99);
  const record = (at: number) => ({ name: "web.example", type: "A", ttl: 5, data: `10.0.0.${at}` });
  const small = read(relayedAnswer(query, answerTo(requested, [record(1)])));
  assert.deepEqual([small.id, small.flag_tc, small.answers[0]!.data], [7, false, "10.0.0.1"]);
  const large = read(relayedAnswer(query, answerTo(requested, Array.from({ length: 100 }, (_, at) => record(at)))));
  assert.deepEqual([large.id, large.flag_tc, large.answers, large.questions.length], [7, true, [], 1]);
});
