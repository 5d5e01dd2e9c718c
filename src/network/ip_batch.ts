/**
 * @module
 * Input of `ip -batch` (ip(8)) that configures one interface in a single call. Pure.
 */

/** A network's bridge. */
export interface BridgeLink {
  readonly name: string;
  /** The gateway addresses in CIDR notation. */
  readonly addresses: readonly string[];
  /**
   * Fixed address. Otherwise the bridge takes the one of a port and changes it when that port is removed, which
   * containers notice late.
   */
  readonly mac: string;
  readonly mtu: number;
}

/** The container's end of a veth pair. */
export interface EndpointLink {
  /** Name on the host's side. */
  readonly hostName: string;
  /** Index of the bridge in the host's namespace, as its name can't be resolved in the container's namespace. */
  readonly bridgeIndex: number;
  /** Any process in the host's network namespace. */
  readonly hostPid: number;
  /** Name in the container's namespace. */
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** In CIDR notation. */
  readonly addresses: readonly string[];
}

/** Creates a bridge. To be run in the host's namespace. */
export function bridgeBatch({ name, addresses, mac, mtu }: BridgeLink): string {
  return lines(
    `link add name ${name} address ${mac} mtu ${mtu} type bridge`,
    ...addressLines(name, addresses),
    `link set dev ${name} up`,
  );
}

/**
 * Creates a veth pair. To be run in the container's namespace: the host's end is created in the host's namespace, with
 * the bridge's index as its master, so that a single call does everything.
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

/**
 * Adds the addresses. IPv6 addresses skip duplicate address detection, as they are unique in the network. Without any,
 * the interface gets no link-local address either.
 */
function addressLines(name: string, addresses: readonly string[]): string[] {
  const hasIpv6 = addresses.some(isIpv6);
  return [
    ...hasIpv6 ? [] : [`link set dev ${name} addrgenmode none`],
    ...addresses.map((address) => `addr add ${address} dev ${name}${isIpv6(address) ? " nodad" : ""}`),
  ];
}

const isIpv6 = (address: string): boolean => address.includes(":");

/** Restores the addresses of a bridge. Run in the host's namespace. */
export function bridgeRepairBatch({ name, addresses }: Pick<BridgeLink, "name" | "addresses">): string {
  return lines(
    ...addresses.map((address) => `addr replace ${address} dev ${name}${isIpv6(address) ? " nodad" : ""}`),
    `link set dev ${name} up`,
  );
}

/** Attaches the host's end of a veth pair to a bridge. Run in the host's namespace. */
export const attachBatch = (hostName: string, bridge: string): string =>
  lines(`link set dev ${hostName} master ${bridge} up`);

/** Deletes an interface, and with it its veth peer. */
export const removalBatch = (name: string): string => lines(`link del dev ${name}`);

/** Sets the default route. */
export const routeBatch = (gateway: string, name: string): string =>
  lines(`route replace default via ${gateway} dev ${name}`);

/** Brings up the loopback device of a new namespace. */
export const LOOPBACK_BATCH = "link set dev lo up\n";

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
