/** An address pool of a network. */
export interface IPAMConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Readonly<Record<string, string>>;
}

export interface IPAM {
  Driver?: string;
  Options?: Readonly<Record<string, string>> | null;
  Config?: readonly IPAMConfig[] | null;
}

/** The addresses that a client requests for an endpoint. */
export interface EndpointIPAMConfig {
  IPv4Address?: string;
  IPv6Address?: string;
  LinkLocalIPs?: readonly string[] | null;
}

/** A container's endpoint in a network: requested on creation, reported by inspect. */
export interface EndpointSettings {
  IPAMConfig?: EndpointIPAMConfig | null;
  Links?: readonly string[] | null;
  Aliases?: readonly string[] | null;
  DriverOpts?: Readonly<Record<string, string>> | null;
  GwPriority?: number;
  NetworkID?: string;
  EndpointID?: string;
  Gateway?: string;
  IPAddress?: string;
  MacAddress?: string;
  IPPrefixLen?: number;
  IPv6Gateway?: string;
  GlobalIPv6Address?: string;
  GlobalIPv6PrefixLen?: number;
  DNSNames?: readonly string[] | null;
}

/** The networks to connect a new container to, by name or id. */
export interface NetworkingConfig {
  EndpointsConfig?: Readonly<Record<string, EndpointSettings | null>> | null;
}

/** A container's endpoint in `GET /networks/{id}`. */
export interface NetworkContainer {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  IPv4Address: string;
  IPv6Address: string;
}

/** `GET /networks` and `GET /networks/{id}`. */
export interface Network {
  Name: string;
  Id: string;
  /** RFC 3339 with nanoseconds. */
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: IPAM;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers: Readonly<Record<string, NetworkContainer>>;
  Options: Readonly<Record<string, string>>;
  Labels: Readonly<Record<string, string>>;
}

/** `POST /networks/create`. */
export interface NetworkCreateRequest {
  Name: string;
  CheckDuplicate?: boolean;
  Driver?: string;
  Scope?: string;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM?: IPAM | null;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network: string } | null;
  Options?: Readonly<Record<string, string>> | null;
  Labels?: Readonly<Record<string, string>> | null;
}

export interface NetworkCreateResponse {
  Id: string;
  Warning: string;
}

/** `POST /networks/{id}/connect`. */
export interface NetworkConnectRequest {
  Container: string;
  EndpointConfig?: EndpointSettings | null;
}

/** `POST /networks/{id}/disconnect`. */
export interface NetworkDisconnectRequest {
  Container: string;
  Force?: boolean;
}

export interface NetworksPruneResponse {
  NetworksDeleted: readonly string[] | null;
}

/** Response of `POST /tsd/networks/reload`: the number of bridges and ports that have rules. */
export interface NetworkReloadResponse {
  Bridges: number;
  Ports: number;
}
