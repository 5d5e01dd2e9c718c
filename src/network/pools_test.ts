import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { formatAddress, formatSubnet, parseAddress, parseSubnet } from "./address.ts";
import { choosePool, chooseUniqueLocal, conflictWith, freeAddress, macOf, type ReservedSubnet } from "./pools.ts";

/** Subnets of interfaces, and destinations of routes. */
function reserved({ interfaces = [], routes = [] }: { interfaces?: string[]; routes?: string[] }): ReservedSubnet[] {
  return [
    ...interfaces.map((text) => ({ subnet: parseSubnet(text), holder: "interface eth0" })),
    ...routes.map((text) => ({ subnet: parseSubnet(text), holder: "a route through eth0", isRoute: true })),
  ];
}

const subnetIn = (text: string | undefined) => text === undefined ? undefined : parseSubnet(text);

Deno.test("a pool overlaps no subnet in use; an error if all do", () => {
  const chosen = (...interfaces: string[]) => formatSubnet(choosePool({ reserved: reserved({ interfaces }) }));
  assert.equal(chosen(), "172.17.0.0/16");
  assert.equal(chosen("192.0.2.0/24", "172.17.0.0/16"), "172.18.0.0/16");
  assert.equal(chosen("172.16.0.0/12"), "192.168.0.0/20");
  assert.equal(chosen("172.16.0.0/12", "192.168.7.0/24"), "192.168.16.0/20");
  assert.throws(() => chosen("172.16.0.0/12", "192.168.0.0/16"), (thrown) => isTsdError(thrown, "invalid_argument"));
});

Deno.test("the current subnet is kept if possible; the search may start at any pool", () => {
  const chosen = (current: string | undefined, interfaces: string[], startAt?: number) =>
    formatSubnet(choosePool({ reserved: reserved({ interfaces }), current: subnetIn(current) }, startAt));
  assert.equal(chosen("172.25.0.0/16", []), "172.25.0.0/16");
  assert.equal(chosen("172.25.0.0/16", ["172.25.1.0/24"]), "172.17.0.0/16");
  assert.equal(chosen(undefined, [], 15), "192.168.0.0/20");
  assert.equal(chosen(undefined, [], 31), "172.17.0.0/16");
  assert.equal(chosen(undefined, ["192.168.240.0/20"], 30), "172.17.0.0/16");
});

Deno.test("pools within routes to larger subnets are used last", () => {
  const chosen = (current: string | undefined, routes: string[]) =>
    formatSubnet(choosePool({ reserved: reserved({ routes }), current: subnetIn(current) }));
  assert.equal(chosen(undefined, ["172.16.0.0/12"]), "192.168.0.0/20");
  assert.equal(chosen("172.18.0.0/16", ["172.16.0.0/12"]), "192.168.0.0/20");
  assert.equal(chosen(undefined, ["0.0.0.0/1", "128.0.0.0/1"]), "172.17.0.0/16");
  assert.equal(chosen("172.18.0.0/16", ["0.0.0.0/1", "128.0.0.0/1"]), "172.18.0.0/16");
  assert.equal(chosen(undefined, ["0.0.0.0/1", "128.0.0.0/1", "172.17.3.0/24"]), "172.18.0.0/16");
});

Deno.test("a subnet conflicts with interfaces, and with routes that are not larger", () => {
  const holder = (subnet: string, given: { interfaces?: string[]; routes?: string[] }) =>
    conflictWith(parseSubnet(subnet), reserved(given))?.holder;
  assert.equal(holder("10.1.0.0/16", { interfaces: ["10.0.0.0/8"] }), "interface eth0");
  assert.equal(holder("10.1.0.0/16", { interfaces: ["10.2.0.0/16"] }), undefined);
  assert.equal(holder("10.1.0.0/16", { routes: ["10.0.0.0/8"] }), undefined);
  assert.equal(holder("10.1.0.0/16", { routes: ["10.1.0.0/16"] }), "a route through eth0");
  assert.equal(holder("10.1.0.0/16", { routes: ["10.1.2.0/24"] }), "a route through eth0");
  assert.equal(holder("fd00::/64", { interfaces: ["10.0.0.0/8", "fd00::/8"] }), "interface eth0");
});

Deno.test("each network gets its own unique local IPv6 subnet", () => {
  const id = "0123456789abcdef0123".padEnd(64, "0");
  const chosen = (interfaces: string[], current?: string) =>
    formatSubnet(chooseUniqueLocal(id, { reserved: reserved({ interfaces }), current: subnetIn(current) }));
  assert.equal(chosen([]), "fd01:2345:6789::/64");
  assert.equal(chosen(["fd01::/16"]), "fdab:cdef:123::/64");
  assert.equal(chosen([], "fd77::/64"), "fd77::/64");
  assert.equal(chosen(["fd77::/64"], "fd77::/64"), "fd01:2345:6789::/64");
  assert.throws(() => chosen(["fd00::/8"]), (thrown) => isTsdError(thrown, "invalid_argument"));
});

const value = (text: string) => parseAddress(text)!.value;

Deno.test("addresses: within the range, never the network's first or last, released ones last", () => {
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

Deno.test("a MAC address is derived from the IP address", () => {
  assert.equal(macOf(parseAddress("172.17.0.2")!), "02:42:ac:11:00:02");
});
