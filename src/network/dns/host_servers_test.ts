import { strict as assert } from "node:assert";
import { serversIn } from "./host_servers.ts";

Deno.test("host name servers are canonical addresses without link-local ones", () => {
  const lines = [
    "# nameserver 192.0.2.9",
    "nameserver 192.0.2.1",
    " nameserver\t2001:DB8:0:0::0:53 ",
    "search example.org",
  ];
  const text = [...lines, "nameserver fe80::1%eth0", "nameserver", "nameserver dns.example.org", ""].join("\n");
  assert.deepEqual(serversIn(text), ["192.0.2.1", "2001:db8::53"]);
});
