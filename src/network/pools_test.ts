import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { formatAddress, formatSubnet, parseAddress, parseSubnet } from "./address.ts";
import {
  advertisedDevices,
  choosePool,
  chooseUniqueLocal,
  freeAddress,
  hostRoutes,
  hostRoutes6,
  macOf,
} from "./pools.ts";

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;

Deno.test("the host's routes but the default one", () => {
  assert.deepEqual(hostRoutes(ROUTES).map(formatSubnet), ["192.0.2.0/24", "172.17.0.0/16"]);
  assert.deepEqual(hostRoutes(""), []);
});

Deno.test("a pool overlaps nothing that is taken; without any it says so", () => {
  assert.equal(formatSubnet(choosePool([])), "172.17.0.0/16");
  assert.equal(formatSubnet(choosePool(hostRoutes(ROUTES))), "172.18.0.0/16");
  assert.equal(formatSubnet(choosePool([parseSubnet("172.16.0.0/12")])), "192.168.0.0/20");
  assert.equal(
    formatSubnet(choosePool([parseSubnet("172.16.0.0/12"), parseSubnet("192.168.7.0/24")])),
    "192.168.16.0/20",
  );
  const all = [parseSubnet("172.16.0.0/12"), parseSubnet("192.168.0.0/16")];
  assert.throws(() => choosePool(all), (thrown) => isTsdError(thrown, "invalid_argument"));
});

const IPV6_ROUTES = [
  "fd000007000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
  "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0",
  "00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo",
  "ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0",
  "",
].join("\n");

Deno.test("the host's routes of version 6, and a range of its own for each network", () => {
  assert.deepEqual(hostRoutes6(IPV6_ROUTES).map(formatSubnet), ["fd00:7::/64"]);
  assert.deepEqual([...advertisedDevices(IPV6_ROUTES)], ["eth0"]);
  const id = "0123456789abcdef0123".padEnd(64, "0");
  assert.equal(formatSubnet(chooseUniqueLocal(id, [])), "fd01:2345:6789::/64");
  assert.equal(formatSubnet(chooseUniqueLocal(id, [parseSubnet("fd01::/16")])), "fdab:cdef:123::/64");
  const all = [parseSubnet("fd00::/8")];
  assert.throws(() => chooseUniqueLocal(id, all), (thrown) => isTsdError(thrown, "invalid_argument"));
});

const value = (text: string) => parseAddress(text)!.value;

Deno.test("addresses: inside the range, never the first or last of the network, those just freed come late", () => {
  const subnet = parseSubnet("10.0.0.0/29");
  const free = (taken: string[], more: { range?: string; after?: string } = {}) =>
    formatAddress(freeAddress(subnet, {
      taken: new Set(taken.map(value)),
      ...more.range !== undefined && { range: parseSubnet(more.range) },
      ...more.after !== undefined && { after: value(more.after) },
    }));
  assert.equal(free([]), "10.0.0.1");
  assert.equal(free(["10.0.0.1", "10.0.0.3"]), "10.0.0.2");
  assert.equal(free([], { range: "10.0.0.4/30" }), "10.0.0.4");
  assert.equal(free(["10.0.0.1"], { after: "10.0.0.3" }), "10.0.0.4");
  assert.equal(free(["10.0.0.1"], { after: "10.0.0.6" }), "10.0.0.2");
  assert.equal(free(["10.0.0.6", "10.0.0.1"], { after: "10.0.0.5" }), "10.0.0.2");
  const all = new Set([1n, 2n, 3n, 4n, 5n, 6n].map((host) => subnet.base + host));
  assert.throws(() => freeAddress(subnet, { taken: all }), (thrown) => isTsdError(thrown, "network_exhausted"));
  assert.equal(formatAddress(freeAddress(parseSubnet("fd00::/64"), { taken: new Set() })), "fd00::1");
});

Deno.test("a hardware address follows from the address", () => {
  assert.equal(macOf(parseAddress("172.17.0.2")!), "02:42:ac:11:00:02");
});
