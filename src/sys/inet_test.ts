import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { isErrno } from "./errno.ts";
import { interfaceIndex, listenTcp } from "./inet.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

/** Returns a port that is free for now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("a port is bound for one address family and address", async () => {
  const port = freePort();
  using _ipv6 = listenTcp(new Uint8Array(16), port);
  using _ipv4 = listenTcp(LOOPBACK, port);
  assert.throws(() => listenTcp(LOOPBACK, port), (thrown) => isErrno(thrown, "EADDRINUSE"));
  assert.throws(() => listenTcp(new Uint8Array([192, 0, 2, 201]), port), (thrown) => isErrno(thrown, "EADDRNOTAVAIL"));
  using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
});

Deno.test("interfaceIndex returns the index of an interface, or undefined", () => {
  assert.equal(interfaceIndex("lo"), 1);
  assert.equal(interfaceIndex("absent-0"), undefined);
});
