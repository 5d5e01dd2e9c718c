/** @module The records of networks, and of what containers have in them while they run. Plain JSON. */
import type { RequestedEndpoint } from "./container.ts";
import type { PublishedPort } from "../../network/port.ts";
import type { NetworkRecords, StoredEndpoint, StoredNetwork } from "../../store/network_records.ts";

/** The addresses of one IP version. */
export interface AddressPool {
  /** The subnet as CIDR. A network without a requested subnet gets one when it is first used. */
  readonly subnet?: string;
  readonly gateway?: string;
  /** Whether the subnet was requested. */
  readonly hasOwnSubnet?: boolean;
  /** The range as CIDR from which addresses are allocated. */
  readonly range?: string;
  /** Addresses in use by others than containers, by name. */
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** The record of a network, with its IPv4 pool. */
export interface NetworkRecord extends AddressPool {
  readonly driver: "bridge" | "host" | "null";
  /** The IPv6 pool, if the network has IPv6. */
  readonly six?: AddressPool;
  /** Whether the network has no gateway and publishes no ports. */
  readonly internal?: boolean;
  /** Shown by inspect only: it has a meaning for swarms. */
  readonly attachable?: boolean;
  /** Driver options; see `bridgeOptions`. */
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The endpoint of a running container in a network. */
export interface Lease {
  readonly endpointId: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
  /** Name of the interface on the host. */
  readonly hostLink: string;
  /** Name of the interface in the container. */
  readonly link: string;
  /** The network with the highest priority provides the default route. Default: 0. */
  readonly priority?: number;
  /** The IPv6 address. */
  readonly six?: { readonly address: string; readonly prefix: number; readonly gateway: string };
}

/** The network namespace of a running container. */
export interface Sandbox {
  readonly id: string;
  /** The path at which the namespace is pinned. */
  readonly path: string;
  readonly ports: readonly PublishedPort[];
}

export type Network = StoredNetwork<NetworkRecord>;
export type Endpoint = StoredEndpoint<Lease>;
export type StoredNetworks = NetworkRecords<NetworkRecord, Lease, Sandbox>;

/** The network state of a container, for views. */
export interface EndpointState {
  readonly sandbox: Sandbox | undefined;
  /** Endpoints, by network name. */
  readonly endpoints: readonly {
    readonly network: Network;
    readonly lease: Lease | undefined;
    readonly requested: RequestedEndpoint;
    /** Names by which other containers of the network reach it; undefined in networks without DNS. */
    readonly names: readonly string[] | undefined;
  }[];
}
