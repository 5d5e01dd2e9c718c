/**
 * @module
 * One engine's table of nftables (nft(8)), whole, from what its networks and ports are. Pure: it is loaded in one
 * transaction, so that at no moment there is half of it, and nobody else's rules are touched.
 *
 * What it does: addresses of containers are hidden behind the host's on the way out; published ports lead in, also from
 * this machine; nothing else enters a network from outside it; 127.0.0.0/8 of the host can't be reached from a container
 * although its bridge routes there for published ports; questions for names get to whoever answers, also where that port
 * is published; a machine that forwards for containers only forwards for nobody else.
 */
import type { Family } from "./address.ts";
import { NAME_PORT } from "./dns/name_port.ts";
import type { MapElement } from "./nft_messages.ts";
import type { PublishedPort } from "./port.ts";

/** A network as the kernel has it. */
export interface RuledBridge {
  /** Of the interface. */
  readonly name: string;
  /** CIDR, version 4. */
  readonly subnet: string;
  /** CIDR, version 6, where it has that. */
  readonly six: string | undefined;
  /** No way out or in. */
  readonly internal: boolean;
  /** Whether containers of the network reach each other. */
  readonly connectsContainers: boolean;
  /** Whether their addresses are hidden on the way out. */
  readonly masquerades: boolean;
  /** Its own addresses where containers ask for names; none where they have none. */
  readonly nameServers: readonly string[];
}

/** A published port and where it leads. Those of IPv6 go through the engine where the container has no such address. */
export interface RuledPort extends PublishedPort {
  /** The container's, version 4. */
  readonly address: string;
  /** And its other one. */
  readonly six: string | undefined;
}

export interface Ruleset {
  readonly table: string;
  readonly bridges: readonly RuledBridge[];
  readonly ports: readonly RuledPort[];
  /** Versions that are forwarded for containers only. */
  readonly guardsForwarding: readonly Family[];
  /** What packets that are let through are marked with, for the rules of others; undefined where nobody looks. */
  readonly mark?: number | undefined;
}

/** Kinds of interfaces whose owners forward for themselves: other engines', virtual machines', tunnels. */
const FORWARDING_KINDS = ["bridge", "veth", "tun", "wireguard"];

const EVERYWHERE = ["0.0.0.0", "::"];
/** The kernel leads nothing out of it. */
const LOOPBACK_SIX = "::1";

/** Removes the table, also where there is none. */
export const noRules = (table: string): string => `table inet ${table} {}\ndelete table inet ${table}\n`;

/** Where ports lead: elements of the table's maps, the only part of it that ports are in. */
export function portElements({ ports }: Pick<Ruleset, "ports">): MapElement[] {
  return ports.flatMap(({ hostIp, protocol, hostPort, address, six, containerPort }) => {
    const isSix = hostIp.includes(":");
    const target = isSix ? six : address;
    if (target === undefined || hostIp === LOOPBACK_SIX) return [];
    const led = `${protocol} . ${hostPort} : ${target} . ${containerPort}`;
    const suffix = isSix ? "6" : "";
    return EVERYWHERE.includes(hostIp)
      ? [{ map: `everywhere${suffix}`, text: led }]
      : [{ map: `addressed${suffix}`, text: `${hostIp} . ${led}` }];
  });
}

/** The text for `nft -f`. */
export function ruleset({ table, bridges, ports, guardsForwarding, mark }: Ruleset): string {
  const elements = Map.groupBy(portElements({ ports }), ({ map }) => map);
  const lines = block(`table inet ${table}`, [
    ...map("everywhere", "inet_proto . inet_service : ipv4_addr . inet_service", elements),
    ...map("addressed", "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service", elements),
    ...map("everywhere6", "inet_proto . inet_service : ipv6_addr . inet_service", elements),
    ...map("addressed6", "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service", elements),
    ...chain(
      "guard",
      "filter hook prerouting priority raw",
      bridges.map(({ name }) => `iifname "${name}" ip daddr 127.0.0.0/8 drop`),
    ),
    ...block("chain publish", [
      "dnat ip to ip daddr . meta l4proto . th dport map @addressed",
      "fib daddr type local dnat ip to meta l4proto . th dport map @everywhere",
      "dnat ip6 to ip6 daddr . meta l4proto . th dport map @addressed6",
      `ip6 daddr != ${LOOPBACK_SIX} fib daddr type local dnat ip6 to meta l4proto . th dport map @everywhere6`,
    ]),
    ...guardsForwarding.length > 0 ? block("chain others", OTHERS) : [],
    // What was led somewhere, be it to where it was going, isn't led elsewhere by those who come after, whoever's they are.
    ...chain("names", "nat hook prerouting priority dstnat - 1", bridges.flatMap(toNames)),
    ...chain("prerouting", "nat hook prerouting priority dstnat", ["jump publish"]),
    ...chain("output", "nat hook output priority -100", ["jump publish"]),
    ...chain("postrouting", "nat hook postrouting priority srcnat", bridges.flatMap(wayOut)),
    ...mark === undefined ? [] : chain("marked", "filter hook forward priority filter - 5", marking(bridges, mark)),
    ...chain("forward", "filter hook forward priority filter", [
      ...bridges.flatMap(wayIn),
      ...guardsForwarding.length > 0 ? bridges.map(({ name }) => `iifname "${name}" accept`) : [],
      ...guardsForwarding.map((family) => `meta nfproto ipv${family} jump others`),
    ]),
  ]);
  return `${noRules(table)}${lines.join("\n")}\n`;
}

function toNames({ name, nameServers }: RuledBridge): string[] {
  return nameServers.map((address) => {
    const ip = address.includes(":") ? "ip6" : "ip";
    const question = `meta l4proto { tcp, udp } th dport ${NAME_PORT}`;
    return `iifname "${name}" ${ip} daddr ${address} ${question} dnat ${ip} to ${address}`;
  });
}

function wayOut({ name, subnet, six, internal, masquerades }: RuledBridge): string[] {
  const ranges = [["ip", subnet], ...six === undefined ? [] : [["ip6", six]]] as const;
  return [
    ...internal || !masquerades
      ? []
      : ranges.map(([ip, range]) => `${ip} saddr ${range} oifname != "${name}" masquerade`),
    // What a container sends to a published port of its own network would be answered past us.
    ...ranges.map(([ip, range]) => `${ip} saddr ${range} ${ip} daddr ${range} ct status dnat masquerade`),
    `ip saddr 127.0.0.0/8 oifname "${name}" masquerade`,
  ];
}

function wayIn({ name, internal, connectsContainers }: RuledBridge): string[] {
  return [
    `iifname "${name}" oifname "${name}" ${connectsContainers ? "accept" : "ct status dnat accept"}`,
    ...internal
      ? [`iifname "${name}" drop`]
      : [`oifname "${name}" ct state established,related accept`, `oifname "${name}" ct status dnat accept`],
    `oifname "${name}" drop`,
  ];
}

/** What isn't a container's and goes from one interface of the machine to another. */
const OTHERS = [
  ...["iifkind", "oifkind"].map((side) =>
    `meta ${side} { ${FORWARDING_KINDS.map((kind) => `"${kind}"`).join(", ")} } return`
  ),
  "drop",
];

/** What goes out to where no other bridge is, and what comes in by a published port or as an answer. */
function marking(bridges: readonly RuledBridge[], mark: number): string[] {
  const set = `meta mark set meta mark | 0x${mark.toString(16)}`;
  return bridges.filter(({ internal }) => !internal).flatMap(({ name }) => [
    `iifname "${name}" meta oifkind "bridge" oifname != "${name}" return`,
    `iifname "${name}" ${set}`,
    `oifname "${name}" ct state established,related ${set}`,
    `oifname "${name}" ct status dnat ${set}`,
  ]);
}

function chain(name: string, kind: string, rules: readonly string[]): string[] {
  return block(`chain ${name}`, [`type ${kind}; policy accept;`, ...rules]);
}

function map(name: string, type: string, all: ReadonlyMap<string, readonly MapElement[]>): string[] {
  const elements = all.get(name) ?? [];
  const filled = elements.length === 0 ? [] : [`elements = {`, ...elements.map(({ text }) => `  ${text},`), `}`];
  return block(`map ${name}`, [`type ${type}`, ...filled]);
}

const block = (
  head: string,
  lines: readonly string[],
): string[] => [`${head} {`, ...lines.map((line) => `  ${line}`), "}"];
