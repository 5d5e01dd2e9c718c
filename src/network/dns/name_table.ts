/**
 * @module
 * What the DNS server answers from: the containers of each network and their names. Plain JSON: the engine builds it
 * and sends it as a whole to the DNS process. Networks without names (the default bridge) are not in it.
 */

/** All networks with DNS and the containers in them. */
export interface NameTable {
  readonly networks: readonly NamedNetwork[];
  readonly containers: readonly NamedContainer[];
}

export interface NamedNetwork {
  readonly id: string;
  readonly name: string;
  /** Addresses of the bridge, which the network's containers send their queries to. */
  readonly gateways: readonly string[];
}

export interface NamedContainer {
  /** In the order in which names are looked up. */
  readonly endpoints: readonly NamedEndpoint[];
  /** Upstream servers for other names; those of the host if absent. */
  readonly servers?: readonly string[];
  /** Whether other names are forwarded at all: not if all networks are internal. */
  readonly forwards: boolean;
  /** Whether single-label names are not forwarded, so that the resolver tries its search domains first. */
  readonly searchesFirst: boolean;
}

export interface NamedEndpoint {
  /** Id of the network. */
  readonly network: string;
  /** The first one is returned for a reverse lookup. */
  readonly names: readonly string[];
  /** At most one IPv4 and one IPv6 address. */
  readonly addresses: readonly string[];
}

export const NO_NAMES: NameTable = { networks: [], containers: [] };
