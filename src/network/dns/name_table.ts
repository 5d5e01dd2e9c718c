/**
 * @module
 * What the name server knows: who is in which network, under which names. Plain JSON: the engine makes it and hands it over
 * whole, another process answers from it. Networks without names (the default bridge) aren't in it.
 */

/** See the module's comment. */
export interface NameTable {
  readonly networks: readonly NamedNetwork[];
  readonly containers: readonly NamedContainer[];
}

export interface NamedNetwork {
  readonly id: string;
  readonly name: string;
  /** Addresses of the bridge: there its containers ask. */
  readonly gateways: readonly string[];
}

export interface NamedContainer {
  /** In the order in which names are looked for. */
  readonly endpoints: readonly NamedEndpoint[];
  /** Servers that know other names; those of the host if not given. */
  readonly servers?: readonly string[];
  /** Whether other names are looked for at all: not in networks without a way out. */
  readonly forwards: boolean;
  /** It wants its search domains tried before names without a dot are looked for elsewhere. */
  readonly searchesFirst: boolean;
}

export interface NamedEndpoint {
  /** Id. */
  readonly network: string;
  /** The first is the one that an address leads back to. */
  readonly names: readonly string[];
  /** One of each version at most. */
  readonly addresses: readonly string[];
}

export const NO_NAMES: NameTable = { networks: [], containers: [] };
