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
const LOOPBACK_V6 = "::1";

/** Removes the table, also where there is none. */
export const noRules = (table: string): string => `table inet ${table} {}\ndelete table inet ${table}\n`;

/** Where ports lead: elements of the table's maps. */
function portElements({ hostIp, protocol, hostPort, address, six, containerPort }: RuledPort): MapElement[] {
  const isIpv6 = hostIp.includes(":");
  const target = isIpv6 ? six : address;
  if (target === undefined || hostIp === LOOPBACK_V6) return [];
  const led = `${protocol} . ${hostPort} : ${target} . ${containerPort}`;
  const suffix = isIpv6 ? "6" : "";
  return EVERYWHERE.includes(hostIp)
    ? [{ map: `everywhere${suffix}`, text: led }]
    : [{ map: `addressed${suffix}`, text: `${hostIp} . ${led}` }];
}

/** What the rules need to know of a bridge: elements of the table's sets. */
function bridgeElements(bridge: RuledBridge): MapElement[] {
  const { subnet, six, internal, connectsContainers, masquerades, nameServers } = bridge;
  const name = `"${bridge.name}"`;
  const of = (map: string, ...texts: readonly string[]) => texts.map((text) => ({ map, text }));
  const inRange = (range: string, suffix: string) => [
    ...of(`within${suffix}`, `${range} . ${range}`),
    ...internal || !masquerades
      ? []
      : [...of(`hidden${suffix}`, range), ...of(`staying${suffix}`, `${range} . ${name}`)],
  ];
  const isIpv6 = (address: string) => address.includes(":");
  return [
    ...of("bridges", name),
    ...of(internal ? "closed" : "open", name),
    ...connectsContainers ? of("connected", `${name} . ${name}`) : [],
    ...inRange(subnet, ""),
    ...six === undefined ? [] : inRange(six, "6"),
    ...nameServers.flatMap((address) => of(isIpv6(address) ? "names6" : "names", `${name} . ${address}`)),
  ];
}

/** Everything that comes and goes while the rules stay. */
export const elements = ({ bridges, ports }: Pick<Ruleset, "bridges" | "ports">): MapElement[] => [
  ...bridges.flatMap(bridgeElements),
  ...ports.flatMap(portElements),
];

/** Maps and sets, by name: their types. A set of whole subnets says so. */
const [MAPS, SETS] = [
  {
    everywhere: "inet_proto . inet_service : ipv4_addr . inet_service",
    addressed: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    everywhere6: "inet_proto . inet_service : ipv6_addr . inet_service",
    addressed6: "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
  },
  {
    /** All, those with a way out, those without, and pairs: those whose containers reach each other. */
    ...{ bridges: "ifname", open: "ifname", closed: "ifname", connected: "ifname . ifname" },
    /** Where names are asked for. */
    ...{ names: "ifname . ipv4_addr", names6: "ifname . ipv6_addr" },
    /** Sources that are hidden on the way out; what stays in a network, seen from the bridge and from both ends. */
    ...{ hidden: "ipv4_addr; flags interval", hidden6: "ipv6_addr; flags interval" },
    ...{ staying: "ipv4_addr . ifname; flags interval", staying6: "ipv6_addr . ifname; flags interval" },
    ...{ within: "ipv4_addr . ipv4_addr; flags interval", within6: "ipv6_addr . ipv6_addr; flags interval" },
  },
] as const;

/** The text for `nft -f`: the same rules for one network or hundreds, which are in sets. */
export function ruleset({ table, bridges, ports, guardsForwarding, mark }: Ruleset): string {
  const filled = Map.groupBy(elements({ bridges, ports }), ({ map }) => map);
  const lines = block(`table inet ${table}`, [
    ...Object.entries(MAPS).flatMap(([name, type]) => collection(`map ${name}`, type, filled.get(name))),
    ...Object.entries(SETS).flatMap(([name, type]) => collection(`set ${name}`, type, filled.get(name))),
    ...chain("guard", "filter hook prerouting priority raw", ["iifname @bridges ip daddr 127.0.0.0/8 drop"]),
    ...block("chain publish", [
      "dnat ip to ip daddr . meta l4proto . th dport map @addressed",
      "fib daddr type local dnat ip to meta l4proto . th dport map @everywhere",
      "dnat ip6 to ip6 daddr . meta l4proto . th dport map @addressed6",
      `ip6 daddr != ${LOOPBACK_V6} fib daddr type local dnat ip6 to meta l4proto . th dport map @everywhere6`,
    ]),
    ...guardsForwarding.length > 0 ? block("chain others", OTHERS) : [],
    // What was led somewhere, be it to where it was going, isn't led elsewhere by those who come after, whoever's they are.
    ...chain("asked", "nat hook prerouting priority dstnat - 1", [
      `meta l4proto { tcp, udp } th dport ${NAME_PORT} iifname . ip daddr @names dnat ip to ip daddr`,
      `meta l4proto { tcp, udp } th dport ${NAME_PORT} iifname . ip6 daddr @names6 dnat ip6 to ip6 daddr`,
    ]),
    ...chain("prerouting", "nat hook prerouting priority dstnat", ["jump publish"]),
    ...chain("output", "nat hook output priority -100", ["jump publish"]),
    ...chain("postrouting", "nat hook postrouting priority srcnat", OUTBOUND),
    ...mark === undefined ? [] : chain("marked", "filter hook forward priority filter - 5", marking(mark)),
    ...chain("forward", "filter hook forward priority filter", [
      ...INBOUND,
      ...guardsForwarding.length > 0 ? ["iifname @bridges accept"] : [],
      ...guardsForwarding.map((family) => `meta nfproto ipv${family} jump others`),
    ]),
  ]);
  return `${noRules(table)}${lines.join("\n")}\n`;
}

const OUTBOUND = [
  // What a container sends to a published port of its own network would be answered past us.
  "ct status dnat ip saddr . ip daddr @within masquerade",
  "ct status dnat ip6 saddr . ip6 daddr @within6 masquerade",
  "ip saddr 127.0.0.0/8 oifname @bridges masquerade",
  "ip saddr . oifname @staying return",
  "ip6 saddr . oifname @staying6 return",
  "ip saddr @hidden masquerade",
  "ip6 saddr @hidden6 masquerade",
];

const INBOUND = [
  "iifname . oifname @connected accept",
  "iifname @closed drop",
  "oifname @closed drop",
  "oifname @open ct state established,related accept",
  "oifname @open ct status dnat accept",
  "oifname @open drop",
];

/** What isn't a container's and goes from one interface of the machine to another. */
const OTHERS = [
  ...["iifkind", "oifkind"].map((side) =>
    `meta ${side} { ${FORWARDING_KINDS.map((kind) => `"${kind}"`).join(", ")} } return`
  ),
  "drop",
];

/** What goes out to where no other bridge is, and what comes in by a published port or as an answer. */
function marking(mark: number): string[] {
  const set = `meta mark set meta mark | 0x${mark.toString(16)}`;
  return [
    `oifname @open ct state established,related ${set}`,
    `oifname @open ct status dnat ${set}`,
    `iifname . oifname @connected ${set}`,
    'iifname @open meta oifkind "bridge" return',
    `iifname @open ${set}`,
  ];
}

function chain(name: string, kind: string, rules: readonly string[]): string[] {
  return block(`chain ${name}`, [`type ${kind}; policy accept;`, ...rules]);
}

function collection(head: string, type: string, elements: readonly MapElement[] = []): string[] {
  const filled = elements.length === 0 ? [] : [`elements = {`, ...elements.map(({ text }) => `  ${text},`), `}`];
  return block(head, [`type ${type}`, ...filled]);
}

const block = (
  head: string,
  lines: readonly string[],
): string[] => [`${head} {`, ...lines.map((line) => `  ${line}`), "}"];
