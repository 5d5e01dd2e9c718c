import { strict as assert } from "node:assert";
import { bridgeBatch, endpointBatch, routeBatch } from "./ip_batch.ts";
import { ruleset } from "./ruleset.ts";

Deno.test("the table of an engine with a bridge, an internal bridge and ports", () => {
  const text = ruleset({
    table: "tsd",
    guardsForwarding: [4, 6],
    mark: 0x2000,
    bridges: [
      {
        name: "tsd0",
        subnet: "172.17.0.0/16",
        six: undefined,
        internal: false,
        connectsContainers: true,
        masquerades: true,
        nameServers: [],
      },
      {
        name: "tsd-1",
        subnet: "172.18.0.0/16",
        six: "fd00:1::/64",
        internal: true,
        connectsContainers: true,
        masquerades: true,
        nameServers: ["172.18.0.1", "fd00:1::1"],
      },
    ],
    ports: [
      {
        protocol: "tcp",
        containerPort: 80,
        hostIp: "0.0.0.0",
        hostPort: 8080,
        address: "172.17.0.2",
        six: "fd00:1::2",
      },
      { protocol: "tcp", containerPort: 80, hostIp: "::", hostPort: 8080, address: "172.17.0.2", six: "fd00:1::2" },
      {
        protocol: "udp",
        containerPort: 53,
        hostIp: "127.0.0.1",
        hostPort: 5353,
        address: "172.17.0.3",
        six: undefined,
      },
    ],
  });
  assert.equal(text, Deno.readTextFileSync(new URL("testdata/ruleset.nft", import.meta.url)));
});

Deno.test("a bridge and an endpoint take one ip -batch call each", () => {
  assert.equal(
    bridgeBatch({ name: "tsd0", addresses: ["172.17.0.1/16"], mac: "02:42:ac:11:00:01", mtu: 1500 }),
    "link add name tsd0 address 02:42:ac:11:00:01 mtu 1500 type bridge\nlink set dev tsd0 addrgenmode none\n" +
      "addr add 172.17.0.1/16 dev tsd0\nlink set dev tsd0 up\n",
  );
  const link = {
    ...{ hostName: "veth1", bridgeIndex: 7, hostPid: 42, name: "eth0", mac: "02:42:ac:11:00:02", mtu: 1500 },
    addresses: ["172.17.0.2/16"],
  };
  assert.equal(
    endpointBatch(link) + routeBatch("172.17.0.1", "eth0"),
    "link add name veth1 netns 42 mtu 1500 master if7 up type veth peer name eth0 address 02:42:ac:11:00:02 mtu 1500\n" +
      "link set dev eth0 addrgenmode none\naddr add 172.17.0.2/16 dev eth0\nlink set dev eth0 up\n" +
      "route replace default via 172.17.0.1 dev eth0\n",
  );
});
