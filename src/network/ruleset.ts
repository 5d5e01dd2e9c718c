/**
 * @module
 * Generates the engine's whole nftables table (nft(8)) from its networks and published ports. Pure. The table is loaded
 * in one transaction, so it is never incomplete, and rules of other programs are not touched.
 *
 * The rules masquerade the containers' addresses in outbound traffic; redirect published ports, also for connections
 * from this machine; drop all other traffic into a network from outside of it; keep containers from reaching the host's
 * 127.0.0.0/8, although their bridge routes there for published ports; let DNS queries reach the embedded server even
 * if port 53 is published; and keep a machine that forwards because of containers only from forwarding anything else.
 */
import type { Family } from "./address.ts";
import { NAME_PORT } from "./dns/name_port.ts";
import type { MapElement } from "./nft_messages.ts";
import type { PublishedPort } from "./port.ts";

/** A network's bridge, as far as the rules depend on it. */
export interface RuledBridge {
  /** Name of the interface. */
  readonly name: string;
  /** IPv4 subnet in CIDR notation. */
  readonly subnet: string;
  /** IPv6 subnet in CIDR notation, if the network has one. */
  readonly six: string | undefined;
  /** Whether the network has no connection to the outside. */
  readonly internal: boolean;
  /** Whether containers of the network can reach each other. */
  readonly connectsContainers: boolean;
  /** Whether the containers' addresses are masqueraded in outbound traffic. */
  readonly masquerades: boolean;
  /** Gateway addresses that serve DNS; empty if the network has none. */
  readonly nameServers: readonly string[];
}

/** A published port and its target. IPv6 ports go through the engine's proxy if the container has no IPv6 address. */
export interface RuledPort extends PublishedPort {
  /** The container's IPv4 address. */
  readonly address: string;
  /** The container's IPv6 address. */
  readonly six: string | undefined;
}

export interface Ruleset {
  readonly table: string;
  readonly bridges: readonly RuledBridge[];
  readonly ports: readonly RuledPort[];
  /** Families that are forwarded for containers only. */
  readonly guardsForwarding: readonly Family[];
  /** Mark set on accepted packets, for the rules of other programs; undefined if none looks at it. */
  readonly mark?: number | undefined;
}

/** Kinds of interfaces whose owners rely on forwarding themselves: other engines, virtual machines, tunnels. */
const FORWARDING_KINDS = ["bridge", "veth", "tun", "wireguard"];

const EVERYWHERE = ["0.0.0.0", "::"];
/** The kernel does not route traffic from the IPv6 loopback address to other interfaces. */
const LOOPBACK_V6 = "::1";

/** Returns the commands that remove the table whether or not it exists. */
export const noRules = (table: string): string => `table inet ${table} {}\ndelete table inet ${table}\n`;

/** Returns the map elements of a published port. */
function portElements({ hostIp, protocol, hostPort, address, six, containerPort }: RuledPort): MapElement[] {
  const isIpv6 = hostIp.includes(":");
  const target = isIpv6 ? six : address;
  if (target === undefined || hostIp === LOOPBACK_V6) return [];
  const mapping = `${protocol} . ${hostPort} : ${target} . ${containerPort}`;
  const suffix = isIpv6 ? "6" : "";
  return EVERYWHERE.includes(hostIp)
    ? [{ map: `everywhere${suffix}`, text: mapping }]
    : [{ map: `addressed${suffix}`, text: `${hostIp} . ${mapping}` }];
}

/** Returns the set elements of a bridge. */
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

/** Returns all elements of the table's maps and sets, which change while the rules stay. */
export const elements = ({ bridges, ports }: Pick<Ruleset, "bridges" | "ports">): MapElement[] => [
  ...bridges.flatMap(bridgeElements),
  ...ports.flatMap(portElements),
];

/** Types of the maps and sets by name. A set that contains subnets has the flag `interval`. */
const [MAPS, SETS] = [
  {
    everywhere: "inet_proto . inet_service : ipv4_addr . inet_service",
    addressed: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    everywhere6: "inet_proto . inet_service : ipv6_addr . inet_service",
    addressed6: "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
  },
  {
    /**
     * All bridges; those with and those without outbound connections; pairs of interfaces between which containers
     * connect.
     */
    ...{ bridges: "ifname", open: "ifname", closed: "ifname", connected: "ifname . ifname" },
    /** Bridges with their DNS addresses. */
    ...{ names: "ifname . ipv4_addr", names6: "ifname . ipv6_addr" },
    /** Masqueraded sources; traffic that stays in a network, as source and bridge, and as source and destination. */
    ...{ hidden: "ipv4_addr; flags interval", hidden6: "ipv6_addr; flags interval" },
    ...{ staying: "ipv4_addr . ifname; flags interval", staying6: "ipv6_addr . ifname; flags interval" },
    ...{ within: "ipv4_addr . ipv4_addr; flags interval", within6: "ipv6_addr . ipv6_addr; flags interval" },
  },
] as const;

/** Returns the input of `nft -f`. The rules are the same for any number of networks, which are set elements. */
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
    // A NAT decision is made once for a connection: translating a query to its own destination keeps later chains, also
    // those of other programs, from redirecting it.
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
  // Without masquerading, a container that connects to a published port of its own network would get the replies
  // directly.
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

/** Rules for forwarded traffic between interfaces that are not containers' bridges. */
const OTHERS = [
  ...["iifkind", "oifkind"].map((side) =>
    `meta ${side} { ${FORWARDING_KINDS.map((kind) => `"${kind}"`).join(", ")} } return`
  ),
  "drop",
];

/**
 * Marks outbound traffic to anything but another bridge, and inbound traffic to published ports or of established
 * connections.
 */
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
