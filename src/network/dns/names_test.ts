import { strict as assert } from "node:assert";
import { Names } from "./names.ts";
import { TABLE } from "./dns_testing.ts";

const names = new Names(TABLE);
const [web, db, safe] = TABLE.containers;

Deno.test("a client is identified by its address within its network", () => {
  assert.equal(names.asker("b", "127.0.0.1"), web);
  assert.equal(names.asker("b", "FD00:0:0::7"), web);
  assert.equal(names.asker("v", "127.0.0.1"), undefined);
  assert.equal(names.asker("x", "127.0.0.1"), undefined);
});

Deno.test("names are resolved in the client's networks only, ignoring case", () => {
  assert.deepEqual(names.addresses(web!, "DB.", 4), ["127.0.0.2"]);
  assert.deepEqual(names.addresses(web!, "www", 4), ["127.0.0.1", "127.0.0.2"]);
  assert.deepEqual(names.addresses(web!, "0123456789ab", 6), ["fd00::7"]);
  assert.equal(names.addresses(web!, "safe", 4), undefined);
  assert.deepEqual(names.addresses(db!, "safe", 4), ["127.0.0.4"]);
  assert.equal(names.addresses(safe!, "web", 4), undefined);
});

Deno.test("names qualified with a network; names without an address of the family", () => {
  assert.deepEqual(names.addresses(db!, "db.vault", 4), ["127.0.0.3"]);
  assert.deepEqual(names.addresses(db!, "db.back", 4), ["127.0.0.2"]);
  assert.equal(names.addresses(web!, "db.vault", 4), undefined);
  assert.deepEqual(names.addresses(web!, "db", 6), []);
});

Deno.test("reverse lookup returns the first name", () => {
  assert.equal(names.pointer(web!, "2.0.0.127.in-addr.arpa"), "db.back");
  assert.equal(names.pointer(web!, "3.0.0.127.in-addr.arpa"), undefined);
  const ipv6Pointer = `7.${"0.".repeat(27)}0.0.d.f.ip6.arpa`;
  assert.equal(names.pointer(web!, ipv6Pointer), "web.back");
  assert.equal(names.pointer(web!, "web"), undefined);
});
