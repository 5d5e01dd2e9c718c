/**
 * @module
 * Networks as the engine knows them: what was asked for, and what a container has in one while it runs. Plain JSON.
 */
import type { RequestedEndpoint } from "./container.ts";
import type { PublishedPort } from "../../network/port.ts";
import type { NetworkRecords, StoredEndpoint, StoredNetwork } from "../../store/network_records.ts";

/** Addresses of one version. */
export interface AddressPool {
  /** CIDR. A network whose subnet nobody named gets one when it is first needed. */
  readonly subnet?: string;
  readonly gateway?: string;
  /** Somebody named the subnet. */
  readonly hasOwnSubnet?: boolean;
  /** CIDR: where addresses that nobody named come from. */
  readonly range?: string;
  /** Addresses that others than containers have, by name. */
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** What is kept of a network; the pool is that of version 4. */
export interface NetworkRecord extends AddressPool {
  readonly driver: "bridge" | "host" | "null";
  /** It has addresses of version 6 too. */
  readonly six?: AddressPool;
  /** It has no way out or in. */
  readonly internal?: boolean;
  /** Shown only, as it is for swarms. */
  readonly attachable?: boolean;
  /** See `bridgeOptions`. */
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a container has in a network while it runs. */
export interface Lease {
  readonly endpointId: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
  /** The interface's name on the host's side. */
  readonly hostLink: string;
  /** And in the container. */
  readonly link: string;
  /** The network of the highest is the way out; 0 if it isn't there. */
  readonly priority?: number;
  /** Its address of version 6. */
  readonly six?: { readonly address: string; readonly prefix: number; readonly gateway: string };
}

/** The network namespace of a running container. */
export interface Sandbox {
  readonly id: string;
  /** Where the namespace is pinned. */
  readonly path: string;
  readonly ports: readonly PublishedPort[];
}

export type Network = StoredNetwork<NetworkRecord>;
export type Endpoint = StoredEndpoint<Lease>;
export type StoredNetworks = NetworkRecords<NetworkRecord, Lease, Sandbox>;

/** What there is of a container besides itself, for those who show it. */
export interface EndpointState {
  readonly sandbox: Sandbox | undefined;
  /** By the network's name. */
  readonly endpoints: readonly {
    readonly network: Network;
    readonly lease: Lease | undefined;
    readonly requested: RequestedEndpoint;
    /** By which others of the network know it; undefined where nobody has a name. */
    readonly names: readonly string[] | undefined;
  }[];
}
