/** Headers of `HEAD /_ping` and `GET /_ping`. */
export interface PingHeaders {
  "Api-Version": string;
  "Ostype": string;
  "Builder-Version": string;
  "Swarm": string;
  "Docker-Experimental": "true" | "false";
}

export interface VersionComponent {
  Name: string;
  Version: string;
  Details?: Readonly<Record<string, string>>;
}

/** `GET /version`. */
export interface Version {
  Platform: { Name: string };
  Components: readonly VersionComponent[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  Experimental?: boolean;
  /** RFC 3339 with nanoseconds. */
  BuildTime?: string;
}

export interface RegistryIndexConfig {
  Name: string;
  Mirrors: readonly string[] | null;
  Secure: boolean;
  Official: boolean;
}

export interface RegistryServiceConfig {
  InsecureRegistryCIDRs: readonly string[];
  IndexConfigs: Readonly<Record<string, RegistryIndexConfig>>;
  Mirrors: readonly string[] | null;
}

export interface RuntimeInfo {
  path: string;
  runtimeArgs?: readonly string[] | null;
  status?: Readonly<Record<string, string>> | null;
}

/** `GET /info`. */
export interface SystemInfo {
  ID: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus: readonly (readonly [string, string])[];
  SystemStatus?: readonly (readonly [string, string])[] | null;
  Plugins: {
    Volume: readonly string[];
    Network: readonly string[];
    Authorization: readonly string[] | null;
    Log: readonly string[];
  };
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  IPv4Forwarding: boolean;
  Debug: boolean;
  NFd: number;
  OomKillDisable: boolean;
  NGoroutines: number;
  /** RFC 3339 with nanoseconds. */
  SystemTime: string;
  LoggingDriver: string;
  CgroupDriver: string;
  CgroupVersion: "1" | "2";
  NEventsListener: number;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: string;
  Architecture: string;
  IndexServerAddress: string;
  RegistryConfig: RegistryServiceConfig;
  NCPU: number;
  /** Bytes. */
  MemTotal: number;
  GenericResources: null;
  DockerRootDir: string;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  Name: string;
  Labels: readonly string[];
  ExperimentalBuild: boolean;
  ServerVersion: string;
  Runtimes: Readonly<Record<string, RuntimeInfo>>;
  DefaultRuntime: string;
  Swarm: { LocalNodeState: "inactive"; [field: string]: unknown };
  LiveRestoreEnabled: boolean;
  Isolation: string;
  InitBinary: string;
  ContainerdCommit: { ID: string };
  RuncCommit: { ID: string };
  InitCommit: { ID: string };
  SecurityOptions: readonly string[];
  ProductLicense?: string;
  DefaultAddressPools?: readonly { Base: string; Size: number }[];
  CDISpecDirs: readonly string[];
  Warnings: readonly string[] | null;
}

export type EventType = "container" | "image" | "volume" | "network" | "daemon" | "plugin" | "builder";

/** A line of `GET /events`. `status`, `id` and `from` are legacy fields for old clients. */
export interface EventMessage {
  status?: string;
  id?: string;
  from?: string;
  Type: EventType;
  Action: string;
  Actor: { ID: string; Attributes: Readonly<Record<string, string>> };
  scope: "local" | "swarm";
  /** Seconds since 1970. */
  time: number;
  /** Nanoseconds since 1970. Exceeds 2^53, so it is formatted separately, and parsed as text where it must be exact. */
  timeNano: number;
}

/** `POST /auth`, and the JSON inside `X-Registry-Auth`. */
export interface AuthConfig {
  username?: string;
  password?: string;
  auth?: string;
  email?: string;
  serveraddress?: string;
  identitytoken?: string;
  registrytoken?: string;
}

export interface AuthResponse {
  Status: string;
  IdentityToken: string;
}
