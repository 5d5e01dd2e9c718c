import { strict as assert } from "node:assert";
import { Database } from "../../store/database.ts";
import { NetworkRecords } from "../../store/network_records.ts";
import { bridgeOptions } from "./bridge_options.ts";
import { Ipam } from "./ipam.ts";
import type { Lease, NetworkRecord, Sandbox } from "../model/network.ts";
import { NetworkTable } from "./network_table.ts";
import { parseSubnet } from "../../network/address.ts";

const recordsOf = (db: Database) => new NetworkRecords<NetworkRecord, Lease, Sandbox>(db);

Deno.test("three networks are always there, with the same ids for ever", () => {
  using db = Database.open(":memory:");
  const first = new NetworkTable(recordsOf(db));
  assert.deepEqual(first.list().map(({ name, record }) => [name, record.driver]), [
    ["bridge", "bridge"],
    ["host", "host"],
    ["none", "null"],
  ]);
  first.save(first.predefined("bridge"), { driver: "bridge", subnet: "172.17.0.0/16" });
  const second = new NetworkTable(recordsOf(db));
  assert.deepEqual(second.list(), first.list());
  assert.equal(second.predefined("bridge").record.subnet, "172.17.0.0/16");
});

Deno.test("a name is given once", () => {
  using db = Database.open(":memory:");
  const table = new NetworkTable(recordsOf(db));
  assert.throws(() => table.insert("bridge", { driver: "bridge" }), {
    code: "conflict",
    message: "network with name bridge already exists",
  });
});

Deno.test("what a running container has goes with it; two can't have one address", () => {
  using db = Database.open(":memory:");
  const records = recordsOf(db);
  const { id } = new NetworkTable(records).predefined("bridge");
  for (const container of ["a", "b"]) {
    db.run("INSERT INTO containers VALUES (?, ?, 0, 'i', '{}', '{}')", container, container);
  }
  const lease = (address: string) => ({
    address,
    endpointId: "e",
    prefix: 16,
    gateway: "g",
    mac: "m",
    hostLink: "v",
    link: "eth0",
  });
  const begin = (containerId: string, address: string) =>
    records.begin([{ containerId, networkId: id, lease: lease(address) }], containerId, {
      id: "s",
      path: "/p",
      ports: [],
    });
  begin("a", "172.17.0.2");
  begin("a", "172.17.0.3");
  assert.deepEqual(records.endpoints().map(({ lease: { address } }) => address), ["172.17.0.3"]);
  assert.throws(() => begin("b", "172.17.0.3"), /UNIQUE/);
  begin("b", "172.17.0.4");
  assert.deepEqual([...records.sandboxes().keys()].sort(), ["a", "b"]);
  db.run("DELETE FROM containers WHERE id = 'a'");
  records.end("b");
  assert.deepEqual([records.endpoints(), records.sandboxes().size], [[], 0]);
});

Deno.test("an address is nobody else's from its choice on", () => {
  using db = Database.open(":memory:");
  const network = new NetworkTable(recordsOf(db)).predefined("bridge");
  const bridge = {
    network,
    name: "t0",
    index: 1,
    subnet: parseSubnet("172.17.0.0/16"),
    gateway: "172.17.0.1",
    six: undefined,
    options: bridgeOptions(),
  };
  const leases = new Ipam([]);
  const first = leases.reserve(bridge, "eth0");
  const second = leases.reserve(bridge, "eth0");
  assert.deepEqual([first, second].map(({ lease }) => lease.address), ["172.17.0.2", "172.17.0.3"]);
  assert.match(first.lease.hostLink, /^veth[0-9a-f]{8}$/);
  assert.equal(first.lease.mac, "02:42:ac:11:00:02");
  leases.keep({ containerId: "a", networkId: network.id, lease: first.lease });
  first[Symbol.dispose]();
  assert.deepEqual(leases.ofNetwork(network).map(({ lease }) => lease), [first.lease]);
  leases.drop("a");
  assert.deepEqual(leases.of("a"), []);
  const six = { subnet: parseSubnet("fd00:7::/64"), gateway: "fd00:7::1" };
  const both = ["fd00:7::9", undefined, undefined].map((requested) => {
    return leases.reserve({ ...bridge, six }, "eth0", requested === undefined ? {} : { six: requested }).lease.six;
  });
  assert.deepEqual(both.map((each) => each?.address), ["fd00:7::9", "fd00:7::2", "fd00:7::3"]);
  assert.throws(() => leases.reserve({ ...bridge, six }, "eth0", { six: "fd00:7::9" }), { code: "conflict" });
  assert.throws(() => leases.reserve(bridge, "eth0", { six: "fd00:7::9" }), { code: "invalid_argument" });
  assert.equal(leases.reserve({ ...bridge, six }, "eth0", { withoutIpv6: true }).lease.six, undefined);
});
