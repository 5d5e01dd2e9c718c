/** A host address of a published port. An empty HostPort requests any free port. */
export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

/** Keyed by `80/tcp`; null means exposed but not published. */
export type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>;

export interface RestartPolicy {
  Name: "" | "no" | "always" | "unless-stopped" | "on-failure";
  MaximumRetryCount?: number;
}

export interface LogConfig {
  Type: string;
  Config?: Readonly<Record<string, string>> | null;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  /** Any of `r`, `w`, `m`. */
  CgroupPermissions: string;
}

export interface DeviceRequest {
  Driver: string;
  Count: number;
  DeviceIDs: readonly string[] | null;
  Capabilities: readonly (readonly string[])[] | null;
  Options: Readonly<Record<string, string>> | null;
}

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

export interface WeightDevice {
  Path: string;
  Weight: number;
}

export interface ThrottleDevice {
  Path: string;
  /** Bytes or operations a second. */
  Rate: number;
}

export interface BindOptions {
  Propagation?: "" | "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
  NonRecursive?: boolean;
  CreateMountpoint?: boolean;
  ReadOnlyNonRecursive?: boolean;
  ReadOnlyForceRecursive?: boolean;
}

export interface VolumeOptions {
  NoCopy?: boolean;
  Labels?: Readonly<Record<string, string>> | null;
  Subpath?: string;
  DriverConfig?: { Name?: string; Options?: Readonly<Record<string, string>> | null } | null;
}

export interface TmpfsOptions {
  SizeBytes?: number;
  /** Permission bits, as a decimal number in JSON. */
  Mode?: number;
  Options?: readonly (readonly string[])[] | null;
}

/** A mount of `--mount`. */
export interface Mount {
  Type?: "bind" | "volume" | "tmpfs" | "image" | "npipe" | "cluster";
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: BindOptions | null;
  VolumeOptions?: VolumeOptions | null;
  ImageOptions?: { Subpath?: string } | null;
  TmpfsOptions?: TmpfsOptions | null;
  /** Swarm only; it has no fields. */
  ClusterOptions?: Readonly<Record<never, never>> | null;
}

/** Resource limits of a container; also part of the body of `POST /containers/{id}/update`. */
export interface Resources {
  CpuShares?: number;
  /** Bytes. */
  Memory?: number;
  /** Billionths of a CPU. */
  NanoCpus?: number;
  CgroupParent?: string;
  BlkioWeight?: number;
  BlkioWeightDevice?: readonly WeightDevice[] | null;
  BlkioDeviceReadBps?: readonly ThrottleDevice[] | null;
  BlkioDeviceWriteBps?: readonly ThrottleDevice[] | null;
  BlkioDeviceReadIOps?: readonly ThrottleDevice[] | null;
  BlkioDeviceWriteIOps?: readonly ThrottleDevice[] | null;
  /** Microseconds. */
  CpuPeriod?: number;
  /** Microseconds in a period. */
  CpuQuota?: number;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  Devices?: readonly DeviceMapping[] | null;
  DeviceCgroupRules?: readonly string[] | null;
  DeviceRequests?: readonly DeviceRequest[] | null;
  /** Bytes. Removed from the API in 1.42 but still sent by old clients. */
  KernelMemory?: number;
  /** Bytes. */
  KernelMemoryTCP?: number;
  /** Bytes. */
  MemoryReservation?: number;
  /** Bytes of memory and swap together; -1 is unlimited. */
  MemorySwap?: number;
  /** 0 to 100; -1 and null are unset. */
  MemorySwappiness?: number | null;
  OomKillDisable?: boolean | null;
  /** 0, -1 and null are unlimited. */
  PidsLimit?: number | null;
  Ulimits?: readonly Ulimit[] | null;
  CpuCount?: number;
  CpuPercent?: number;
  IOMaximumIOps?: number;
  IOMaximumBandwidth?: number;
}

/** The part of a container's configuration that depends on the host. */
export interface HostConfig extends Resources {
  /** `source:target[:options]`. */
  Binds?: readonly string[] | null;
  ContainerIDFile?: string;
  LogConfig?: LogConfig | null;
  /** `default`, `bridge`, `host`, `none`, `container:<id>`, or a network. */
  NetworkMode?: string;
  PortBindings?: PortMap | null;
  RestartPolicy?: RestartPolicy | null;
  AutoRemove?: boolean;
  VolumeDriver?: string;
  VolumesFrom?: readonly string[] | null;
  /** `[height, width]` in characters. */
  ConsoleSize?: readonly [number, number] | null;
  Annotations?: Readonly<Record<string, string>> | null;
  Mounts?: readonly Mount[] | null;
  CapAdd?: readonly string[] | null;
  CapDrop?: readonly string[] | null;
  CgroupnsMode?: "" | "private" | "host";
  Dns?: readonly string[] | null;
  DnsOptions?: readonly string[] | null;
  DnsSearch?: readonly string[] | null;
  ExtraHosts?: readonly string[] | null;
  GroupAdd?: readonly string[] | null;
  IpcMode?: string;
  Cgroup?: string;
  Links?: readonly string[] | null;
  OomScoreAdj?: number;
  PidMode?: string;
  Privileged?: boolean;
  PublishAllPorts?: boolean;
  ReadonlyRootfs?: boolean;
  SecurityOpt?: readonly string[] | null;
  StorageOpt?: Readonly<Record<string, string>> | null;
  /** Mount options by target. */
  Tmpfs?: Readonly<Record<string, string>> | null;
  UTSMode?: string;
  UsernsMode?: string;
  /** Bytes; 0 is the default of 64 MiB. */
  ShmSize?: number;
  Sysctls?: Readonly<Record<string, string>> | null;
  Runtime?: string;
  Isolation?: string;
  MaskedPaths?: readonly string[] | null;
  ReadonlyPaths?: readonly string[] | null;
  Init?: boolean | null;
}
