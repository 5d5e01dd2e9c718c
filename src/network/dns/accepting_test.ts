import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";

Deno.test("connections are accepted again after a failure, until the listener is closed", async () => {
  using inner = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let failures = 2;
  const accept = () => failures-- > 0 ? Promise.reject(new Error("Too many open files")) : inner.accept();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: (inner.addr as Deno.NetAddr).port });
  const sources = [];
  for await (const connection of connectionsOf({ accept }, SILENT_LOG, 1)) {
    using _connection = connection;
    sources.push(connection.remoteAddr);
    inner.close();
  }
  assert.deepEqual(sources, [client.localAddr]);
});
