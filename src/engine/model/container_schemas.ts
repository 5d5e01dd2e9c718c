/**
 * The shapes of requests to create and to update containers, with every field that dockerd knows in API 1.50. Fields
 * without effect in dockerd on Linux are marked with the reason; refused fields are in tables beside the parsers.
 */
import type {
  BindOptions,
  ContainerConfig,
  DeviceRequest,
  HealthConfig,
  HostConfig,
  LogConfig,
  Mount,
  PortBinding,
  Resources,
  RestartPolicy,
  ThrottleDevice,
  TmpfsOptions,
  VolumeOptions,
} from "../../api_types/mod.ts";
import type { Shape } from "../../json/decode.ts";

const HEALTH_SHAPE: Shape<HealthConfig> = {
  Test: "texts",
  Interval: "number",
  Timeout: "number",
  StartPeriod: "number",
  StartInterval: "number",
  Retries: "number",
};

const FOR_CLIENTS = "only clients use it: a request to attach names its streams";

export const CONFIG_SHAPE: Shape<ContainerConfig> = {
  Hostname: "text",
  Domainname: "text",
  User: "text",
  AttachStdin: { ignored: "flag", because: FOR_CLIENTS },
  AttachStdout: { ignored: "flag", because: FOR_CLIENTS },
  AttachStderr: { ignored: "flag", because: FOR_CLIENTS },
  Tty: "flag",
  OpenStdin: "flag",
  StdinOnce: "flag",
  Env: "texts",
  Cmd: "textOrTexts",
  Entrypoint: "textOrTexts",
  ArgsEscaped: { ignored: "flag", because: "it is for command lines on Windows" },
  Image: "text",
  Volumes: "set",
  WorkingDir: "text",
  Labels: "textMap",
  StopSignal: "text",
  StopTimeout: { pointer: "number" },
  ExposedPorts: "set",
  Healthcheck: { pointer: { object: HEALTH_SHAPE } },
  MacAddress: "text",
  Shell: "textOrTexts",
  NetworkDisabled: "flag",
  OnBuild: { ignored: "texts", because: "it is for images that are built on this one" },
};

const RATES: { readonly each: Shape<ThrottleDevice> } = { each: { Path: "text", Rate: "count" } };

const DEVICE_REQUEST_SHAPE: Shape<DeviceRequest> = {
  Driver: "text",
  Count: "number",
  DeviceIDs: "texts",
  Capabilities: "textLists",
  Options: "textMap",
};

/** Limits, which `docker update` can change. */
export const RESOURCES_SHAPE: Shape<Resources> = {
  Memory: "number",
  MemorySwap: "number",
  MemoryReservation: "number",
  MemorySwappiness: { pointer: "number" },
  KernelMemory: "number",
  KernelMemoryTCP: "number",
  OomKillDisable: { pointer: "flag" },
  NanoCpus: "number",
  CpuShares: "number",
  CpuPeriod: "number",
  CpuQuota: "number",
  CpuRealtimePeriod: "number",
  CpuRealtimeRuntime: "number",
  CpusetCpus: "text",
  CpusetMems: "text",
  CpuCount: "number",
  CpuPercent: "number",
  PidsLimit: { pointer: "number" },
  BlkioWeight: "count",
  BlkioWeightDevice: { each: { Path: "text", Weight: "count" } },
  BlkioDeviceReadBps: RATES,
  BlkioDeviceWriteBps: RATES,
  BlkioDeviceReadIOps: RATES,
  BlkioDeviceWriteIOps: RATES,
  IOMaximumIOps: "count",
  IOMaximumBandwidth: "count",
  CgroupParent: "text",
  Devices: { each: { PathOnHost: "text", PathInContainer: "text", CgroupPermissions: "text" } },
  DeviceCgroupRules: "texts",
  DeviceRequests: { each: DEVICE_REQUEST_SHAPE },
  Ulimits: { each: { Name: "text", Soft: "number", Hard: "number" } },
};

const BIND_SHAPE: Shape<BindOptions> = {
  Propagation: "text",
  NonRecursive: "flag",
  CreateMountpoint: "flag",
  ReadOnlyNonRecursive: "flag",
  ReadOnlyForceRecursive: "flag",
};

const VOLUME_SHAPE: Shape<VolumeOptions> = {
  NoCopy: "flag",
  Labels: "textMap",
  Subpath: "text",
  DriverConfig: { pointer: { object: { Name: "text", Options: "textMap" } } },
};

const TMPFS_SHAPE: Shape<TmpfsOptions> = { SizeBytes: "count", Mode: "count", Options: "textLists" };

const MOUNT_SHAPE: Shape<Mount> = {
  Type: "text",
  Source: "text",
  Target: "text",
  ReadOnly: "flag",
  Consistency: { ignored: "text", because: "it is for Docker Desktop on macOS" },
  BindOptions: { pointer: { object: BIND_SHAPE } },
  VolumeOptions: { pointer: { object: VOLUME_SHAPE } },
  ImageOptions: { pointer: { object: { Subpath: "text" } } },
  TmpfsOptions: { pointer: { object: TMPFS_SHAPE } },
  ClusterOptions: { ignored: { pointer: { object: {} } }, because: "it has no fields; its type of mount is refused" },
};

const BINDING_SHAPE: Shape<PortBinding> = { HostIp: "text", HostPort: "text" };
const LOG_SHAPE: Shape<LogConfig> = { Type: "text", Config: "textMap" };

/** null means a port without bindings. */
export const PORT_MAP = { map: { each: BINDING_SHAPE } } as const;
export const RESTART_POLICY_SHAPE: Shape<RestartPolicy> = { Name: "text", MaximumRetryCount: "number" };

export const HOST_SHAPE: Shape<HostConfig> = {
  ...RESOURCES_SHAPE,
  Binds: "texts",
  NetworkMode: "text",
  AutoRemove: "flag",
  Mounts: { each: MOUNT_SHAPE },
  CapAdd: "textOrTexts",
  CapDrop: "textOrTexts",
  Cgroup: "text",
  CgroupnsMode: "text",
  ContainerIDFile: { ignored: "text", because: "the client writes that file" },
  Dns: "texts",
  DnsOptions: "texts",
  DnsSearch: "texts",
  ExtraHosts: "texts",
  GroupAdd: "texts",
  IpcMode: "text",
  Isolation: "text",
  Links: "texts",
  OomScoreAdj: "number",
  PidMode: "text",
  Privileged: "flag",
  ReadonlyRootfs: "flag",
  SecurityOpt: "texts",
  StorageOpt: "textMap",
  Tmpfs: "textMap",
  UTSMode: "text",
  VolumeDriver: "text",
  VolumesFrom: "texts",
  UsernsMode: "text",
  ShmSize: "number",
  Sysctls: "textMap",
  Runtime: "text",
  Init: { pointer: "flag" },
  MaskedPaths: "texts",
  ReadonlyPaths: "texts",
  Annotations: "textMap",
  LogConfig: { object: LOG_SHAPE },
  RestartPolicy: { object: RESTART_POLICY_SHAPE },
  PortBindings: PORT_MAP,
  PublishAllPorts: "flag",
  ConsoleSize: "size",
};
