/**
 * @module
 * Input of `ip -batch` (ip(8)): everything about one interface in one call. Pure.
 */

/** A bridge of a network. */
export interface BridgeLink {
  readonly name: string;
  /** The gateway in CIDR form: its own address. */
  readonly addresses: readonly string[];
  /** One of its own: else it has that of one of its ports, and another one when that goes, which containers learn late. */
  readonly mac: string;
  readonly mtu: number;
}

/** A container's end of a pair of interfaces. */
export interface EndpointLink {
  /** Name on the host's side. */
  readonly hostName: string;
  /** Index of the bridge on the host's side: its name means nothing in the container's namespace. */
  readonly bridgeIndex: number;
  /** A process in the host's namespace. */
  readonly hostPid: number;
  /** Name in the container. */
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** CIDR. */
  readonly addresses: readonly string[];
}

/** Makes a bridge. Run in the host's namespace. */
export function bridgeBatch({ name, addresses, mac, mtu }: BridgeLink): string {
  return lines(
    `link add name ${name} address ${mac} mtu ${mtu} type bridge`,
    ...addressLines(name, addresses),
    `link set dev ${name} up`,
  );
}

/**
 * Makes the pair. Run in the container's namespace: the host's end is made over there, with the bridge's index as its
 * master, so that one call does it all.
 */
export function endpointBatch(link: EndpointLink): string {
  const { hostName, bridgeIndex, hostPid, name, mac, mtu, addresses } = link;
  return lines(
    `link add name ${hostName} netns ${hostPid} mtu ${mtu} master if${bridgeIndex} up type veth ` +
      `peer name ${name} address ${mac} mtu ${mtu}`,
    ...addressLines(name, addresses),
    `link set dev ${name} up`,
  );
}

/** An address of version 6 is there at once: nobody else can have it. Without any there is no other of that version. */
function addressLines(name: string, addresses: readonly string[]): string[] {
  const hasIpv6 = addresses.some(isIpv6);
  return [
    ...hasIpv6 ? [] : [`link set dev ${name} addrgenmode none`],
    ...addresses.map((address) => `addr add ${address} dev ${name}${isIpv6(address) ? " nodad" : ""}`),
  ];
}

const isIpv6 = (address: string): boolean => address.includes(":");

/** Gives a bridge the addresses it has lost. Run in the host's namespace. */
export function bridgeRepairBatch({ name, addresses }: Pick<BridgeLink, "name" | "addresses">): string {
  return lines(
    ...addresses.map((address) => `addr replace ${address} dev ${name}${isIpv6(address) ? " nodad" : ""}`),
    `link set dev ${name} up`,
  );
}

/** Attaches the host's end of a pair to a bridge. Run in the host's namespace. */
export const attachBatch = (hostName: string, bridge: string): string =>
  lines(`link set dev ${hostName} master ${bridge} up`);

/** Takes an interface away, and its other end with it. */
export const removalBatch = (name: string): string => lines(`link del dev ${name}`);

/** Where everything goes that no other route is for. */
export const routeBatch = (gateway: string, name: string): string =>
  lines(`route replace default via ${gateway} dev ${name}`);

/** The loopback device of a new namespace. */
export const LOOPBACK_BATCH = "link set dev lo up\n";

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
