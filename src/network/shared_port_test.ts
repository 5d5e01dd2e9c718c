import { strict as assert } from "node:assert";
import type { Family } from "./address.ts";
import type { Protocol, PublishedPort } from "./port.ts";
import { canBeShared, holders } from "./shared_port.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n";
const TABLES: Readonly<Record<string, string>> = {
  tcp4: `${HEAD}   0: 010012AC:0035 00000000:0000 0A 00000000:00000000
   1: 0100007F:0035 0100007F:A2B4 06 00000000:00000000
   2: 00000000:0016 00000000:0000 0A 00000000:00000000\n`,
  tcp6: `${HEAD}   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 0A 0:0
   1: 0000000000000000FFFF00000100007F:0035 00000000000000000000000000000000:0000 0A 0:0
   2: 000000FD000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 0:0\n`,
  udp4: `${HEAD} 123: 3500007F:0035 00000000:0000 07 00000000:00000000\n`,
};
const read = (protocol: Protocol, family: Family) => TABLES[`${protocol}${family}`] ?? "";
const port = (protocol: Protocol, hostIp: string, hostPort = 53): PublishedPort => ({
  ...{ protocol, hostIp, hostPort, containerPort: 53 },
});

Deno.test("users of the DNS port: listening sockets only, including dual-stack ones", () => {
  assert.deepEqual(holders(port("tcp", "0.0.0.0"), read), ["172.18.0.1", "::", "127.0.0.1"]);
  assert.deepEqual(holders(port("tcp", "::"), read), ["::", "fd00::1"]);
  assert.deepEqual(holders(port("udp", "0.0.0.0"), read), ["127.0.0.53"]);
  assert.deepEqual(holders(port("udp", "::"), read), []);
});

Deno.test("the DNS port is shared on wildcard addresses only", () => {
  assert.ok(canBeShared(port("tcp", "0.0.0.0")) && canBeShared(port("udp", "::")));
  for (const other of [port("sctp", "::"), port("tcp", "127.0.0.1"), port("tcp", "::", 54)]) {
    assert.ok(!canBeShared(other), JSON.stringify(other));
  }
});
