import type { HostConfig, PortMap, Resources, RestartPolicy } from "./host_config.ts";
import type { EndpointSettings, NetworkingConfig } from "./network.ts";
import type { OciDescriptor } from "./image.ts";

/**
 * A health check. Durations are in nanoseconds; 0 inherits. `Test` is `["NONE"]`, `["CMD", …]` or `["CMD-SHELL",
 * text]`.
 */
export interface HealthConfig {
  Test?: readonly string[] | null;
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/**
 * The part of a container's configuration that does not depend on the host. Requests may have Cmd and Entrypoint as a
 * single string.
 */
export interface ContainerConfig {
  Hostname?: string;
  Domainname?: string;
  User?: string;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  /** Keys are `80/tcp`. */
  ExposedPorts?: Readonly<Record<string, Record<string, never>>> | null;
  Tty?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  /** `KEY=value`; a bare `KEY` removes the image's variable. */
  Env?: readonly string[] | null;
  Cmd?: readonly string[] | null;
  Healthcheck?: HealthConfig | null;
  ArgsEscaped?: boolean;
  /** The reference as written by the client. */
  Image?: string;
  /** Keys are paths in the container. */
  Volumes?: Readonly<Record<string, Record<string, never>>> | null;
  WorkingDir?: string;
  Entrypoint?: readonly string[] | null;
  NetworkDisabled?: boolean;
  MacAddress?: string;
  OnBuild?: readonly string[] | null;
  Labels?: Readonly<Record<string, string>> | null;
  StopSignal?: string;
  /** In seconds. */
  StopTimeout?: number | null;
  Shell?: readonly string[] | null;
}

/** Body of `POST /containers/create?name=&platform=`. */
export interface ContainerCreateRequest extends ContainerConfig {
  HostConfig?: HostConfig | null;
  NetworkingConfig?: NetworkingConfig | null;
}

export interface ContainerCreateResponse {
  /** 64 hexadecimal digits. */
  Id: string;
  Warnings: readonly string[];
}

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
export type HealthStatus = "none" | "starting" | "healthy" | "unhealthy";

/** A mount of a container. */
export interface MountPoint {
  Type?: "bind" | "volume" | "tmpfs" | "image" | "npipe" | "cluster";
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
}

/** A port in a list of containers. */
export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: "tcp" | "udp" | "sctp";
}

/** A row of `GET /containers/json`. */
export interface ContainerSummary {
  Id: string;
  /** With a leading slash. */
  Names: readonly string[];
  Image: string;
  ImageID: string;
  ImageManifestDescriptor?: OciDescriptor | null;
  Command: string;
  /** Seconds since 1970. */
  Created: number;
  Ports: readonly PortSummary[];
  /** Bytes; only with `size=1`. */
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: Readonly<Record<string, string>>;
  State: ContainerStatus;
  /** Human-readable: `Up 2 minutes`. */
  Status: string;
  HostConfig: { NetworkMode: string; Annotations?: Readonly<Record<string, string>> };
  NetworkSettings: { Networks: Readonly<Record<string, EndpointSettings>> };
  Mounts: readonly MountPoint[];
}

export interface HealthcheckResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

export interface Health {
  Status: HealthStatus;
  FailingStreak: number;
  Log: readonly HealthcheckResult[] | null;
}

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  /** 0 if it is not running. */
  Pid: number;
  ExitCode: number;
  Error: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` is never. */
  StartedAt: string;
  FinishedAt: string;
  Health?: Health | null;
}

export interface GraphDriverData {
  Name: string;
  Data: Readonly<Record<string, string>> | null;
}

/** The legacy top-level addresses repeat those of the default bridge. */
export interface NetworkSettings {
  Bridge: string;
  SandboxID: string;
  SandboxKey: string;
  /** Must be present, at least as `{}`. */
  Ports: PortMap;
  HairpinMode: boolean;
  LinkLocalIPv6Address: string;
  LinkLocalIPv6PrefixLen: number;
  SecondaryIPAddresses: null;
  SecondaryIPv6Addresses: null;
  EndpointID: string;
  Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  MacAddress: string;
  Networks: Readonly<Record<string, EndpointSettings>>;
}

/** `GET /containers/{id}/json`. */
export interface ContainerInspect {
  Id: string;
  /** RFC 3339 with nanoseconds. */
  Created: string;
  Path: string;
  Args: readonly string[];
  State: ContainerState;
  /** The image's id. */
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  /** With a leading slash. */
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  ImageManifestDescriptor?: OciDescriptor | null;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: readonly string[] | null;
  HostConfig: HostConfig;
  GraphDriver: GraphDriverData;
  /** Bytes; only with `size=1`. */
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts: readonly MountPoint[];
  Config: ContainerConfig;
  NetworkSettings: NetworkSettings;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Body of `POST /containers/{id}/wait?condition=`. The headers are sent at once, the body at the end of the wait. */
export interface ContainerWaitResponse {
  StatusCode: number;
  Error?: { Message: string } | null;
}

/** `GET /containers/{id}/top`. */
export interface ContainerTopResponse {
  Titles: readonly string[];
  Processes: readonly (readonly string[])[];
}

/** `POST /containers/{id}/update`. */
export interface ContainerUpdateRequest extends Resources {
  RestartPolicy?: RestartPolicy | null;
  /** tsd's extension: ports to publish, also while the container runs. */
  PublishAdd?: PortMap | null;
  /** tsd's extension: ports to stop publishing. */
  PublishRemove?: readonly PublishedPortName[] | null;
}

/** Selects published ports by the given fields; numbers may be ranges. One of the two ports is required. */
export interface PublishedPortName {
  HostIp?: string;
  HostPort?: string;
  ContainerPort?: string;
  /** `tcp` if omitted. */
  Protocol?: string;
}

export interface ContainerUpdateResponse {
  Warnings: readonly string[];
}

/** One path of `GET /containers/{id}/changes`: 0 modified, 1 added, 2 deleted. */
export interface FilesystemChange {
  Path: string;
  Kind: 0 | 1 | 2;
}

export interface ContainersPruneResponse {
  ContainersDeleted: readonly string[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

/** `X-Docker-Container-Path-Stat`, as base64 of this JSON. */
export interface ContainerPathStat {
  name: string;
  size: number;
  /** Go's `os.FileMode`, not `st_mode`. */
  mode: number;
  mtime: string;
  linkTarget: string;
}
