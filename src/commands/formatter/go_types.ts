/**
 * Converts responses of the Engine API to the docker CLI's Go types, on which its templates operate: names of fields (`.ID`
 * for `Id`), their order, and zero values for fields that an engine omitted.
 */
import { Nil, Struct, type Value } from "../../cli/template/mod.ts";

/**
 * The fields of each type, in order. After a name: `=json` its name in JSON, `#` number, `?` boolean, `*` pointer, `[x]` list,
 * `{x}` map, `@` two numbers, `:x` the type x, nothing for a string; `~` omits an empty value from JSON (`omitempty`).
 */
const SHAPES = {
  container: "ID=Id Created Path Args[] State:state Image ResolvConfPath HostnamePath HostsPath LogPath Name " +
    "RestartCount# Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs[] HostConfig:host " +
    "GraphDriver:driver SizeRw*~ SizeRootFs*~ Mounts[mount] Config:config NetworkSettings:settings",
  state: "Status Running? Paused? Restarting? OOMKilled? Dead? Pid# ExitCode# Error StartedAt FinishedAt " +
    "Health*:health~",
  health: "Status FailingStreak# Log[probe]",
  probe: "Start End ExitCode# Output",
  host: "Binds[] ContainerIDFile LogConfig:log NetworkMode PortBindings{[binding]} RestartPolicy:policy AutoRemove? " +
    "VolumeDriver VolumesFrom[] ConsoleSize@ Annotations{}~ CapAdd[] CapDrop[] CgroupnsMode DNS=Dns[] " +
    "DNSOptions=DnsOptions[] DNSSearch=DnsSearch[] ExtraHosts[] GroupAdd[] IpcMode Cgroup Links[] OomScoreAdj# PidMode " +
    "Privileged? PublishAllPorts? ReadonlyRootfs? SecurityOpt[] StorageOpt{}~ Tmpfs{}~ UTSMode UsernsMode ShmSize# " +
    "Sysctls{}~ Runtime~ Isolation CPUShares=CpuShares# Memory# NanoCPUs=NanoCpus# CgroupParent BlkioWeight# " +
    "BlkioWeightDevice[] BlkioDeviceReadBps[] BlkioDeviceWriteBps[] BlkioDeviceReadIOps[] BlkioDeviceWriteIOps[] " +
    "CPUPeriod=CpuPeriod# CPUQuota=CpuQuota# CPURealtimePeriod=CpuRealtimePeriod# " +
    "CPURealtimeRuntime=CpuRealtimeRuntime# CpusetCpus CpusetMems Devices[device] DeviceCgroupRules[] " +
    "DeviceRequests[] MemoryReservation# MemorySwap# MemorySwappiness* OomKillDisable* PidsLimit* Ulimits[ulimit] " +
    "CPUCount=CpuCount# CPUPercent=CpuPercent# IOMaximumIOps# IOMaximumBandwidth# Mounts[]~ MaskedPaths[] " +
    "ReadonlyPaths[] Init*~",
  log: "Type Config{}",
  policy: "Name MaximumRetryCount#",
  device: "PathOnHost PathInContainer CgroupPermissions",
  ulimit: "Name Hard# Soft#",
  binding: "HostIP=HostIp HostPort",
  driver: "Data{} Name",
  mount: "Type Name~ Source Destination Driver~ Mode RW? Propagation",
  network: "Name ID=Id Created Scope Driver EnableIPv4? EnableIPv6? IPAM:ipam Internal? Attachable? Ingress? " +
    "ConfigFrom:reference ConfigOnly? Containers{networkContainer} Options{} Labels{}",
  ipam: "Driver Options{} Config[pool]",
  pool: "Subnet~ IPRange~ Gateway~ AuxAddress=AuxiliaryAddresses{}~",
  reference: "Network",
  networkContainer: "Name EndpointID MacAddress IPv4Address IPv6Address",
  volume: "ClusterVolume*~ CreatedAt~ Driver Labels{} Mountpoint Name Options{} Scope Status{}~ UsageData*~",
  plugin:
    "Name Version Description File Hooks[] Order Required? State Why Permissions{} Granted{} Settings[] Running? " +
    "MemoryMb# Calls# Failures# LastError",
  config: "Hostname Domainname User AttachStdin? AttachStdout? AttachStderr? ExposedPorts{nothing}~ Tty? OpenStdin? " +
    "StdinOnce? Env[] Cmd[] Healthcheck*:healthcheck~ ArgsEscaped?~ Image Volumes{nothing} WorkingDir Entrypoint[] " +
    "NetworkDisabled?~ MacAddress~ OnBuild[] Labels{} StopSignal~ StopTimeout*~ Shell[]~",
  settings: "Bridge SandboxID SandboxKey Ports{[binding]} HairpinMode? LinkLocalIPv6Address LinkLocalIPv6PrefixLen# " +
    "SecondaryIPAddresses[] SecondaryIPv6Addresses[] EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen# " +
    "IPAddress IPPrefixLen# IPv6Gateway MacAddress Networks{endpoint}",
  endpoint:
    "IPAMConfig* Links[] Aliases[] MacAddress DriverOpts{} GwPriority# NetworkID EndpointID Gateway IPAddress " +
    "IPPrefixLen# IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen# DNSNames[]",
  image:
    "ID=Id RepoTags[] RepoDigests[] Parent Comment Created~ DockerVersion Author Config:imageConfig Architecture " +
    "Variant~ Os OsVersion~ Size# VirtualSize#~ GraphDriver:driver RootFS:rootfs Metadata:metadata Descriptor*~",
  imageConfig:
    "User~ ExposedPorts{nothing}~ Env[]~ Entrypoint[]~ Cmd[]~ Volumes{nothing}~ WorkingDir~ Labels{}~ StopSignal~ " +
    "ArgsEscaped?~ Healthcheck*:healthcheck~ OnBuild[]~ Shell[]~",
  healthcheck: "Test[]~ Interval#~ Timeout#~ StartPeriod#~ StartInterval#~ Retries#~",
  nothing: "",
  rootfs: "Type~ Layers[]~",
  metadata: "LastTagTime~",
  "system.versionInfo": "Client:client Server*:*types.Version",
  client: "Version APIVersion=ApiVersion Form HashEngine Deno GitCommit Os Arch",
  "*types.Version": "Platform:platform Components[component] Version APIVersion=ApiVersion MinAPIVersion GitCommit " +
    "GoVersion Os Arch KernelVersion~ Experimental?~ BuildTime~",
  platform: "Name",
  component: "Name Version Details{}~",
  "*events.Message": "Status=status ID=id From=from Type Action Actor:events.Actor Scope=scope Time=time# " +
    "TimeNano=timeNano",
  "events.Actor": "ID Attributes{}",
} as const satisfies Readonly<Record<string, string>>;

export type ShapeName = keyof typeof SHAPES;

const FIELD = /^(?<name>\w+)(?:=(?<json>\w+))?(?<kind>.*?)(?<tilde>~?)$/;

interface Field {
  readonly name: string;
  readonly json: string;
  readonly kind: string;
  readonly omitsEmpty: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Converts a value of the API to its Go type. `text` is the exact text of its JSON, where that matters. */
export function shaped(name: ShapeName, value: unknown, text?: string): Struct {
  const source = (value ?? {}) as Json;
  const fields: Record<string, Value> = {};
  const json: Record<string, unknown> = {};
  for (const { name: field, json: key, kind, omitsEmpty } of fieldsOf(SHAPES[name])) {
    const converted = convert(kind, source[key]);
    fields[field] = converted;
    if (!omitsEmpty || !isEmpty(converted)) json[key] = converted;
  }
  return new Struct(name, fields, { json, ...(text !== undefined && { text }) });
}

function fieldsOf(shape: string): Field[] {
  return shape.split(" ").filter((word) => word !== "").map((word) => {
    const { name = word, json = name, kind = "", tilde } = FIELD.exec(word)?.groups ?? {};
    return { name, json, kind, omitsEmpty: tilde === "~" };
  });
}

/** Converts a field's value. `kind` is the suffix of the field's name in {@link SHAPES}. */
function convert(kind: string, value: unknown): Value {
  if (kind.startsWith("*")) {
    if (value === undefined || value === null) return new Nil("pointer");
    return kind === "*" ? value as Value : convert(kind.slice(1), value);
  }
  if (kind.startsWith(":")) return shaped(kind.slice(1) as ShapeName, value);
  if (kind.startsWith("[")) {
    if (!Array.isArray(value)) return new Nil("list");
    return value.map((item) => convertItem(kind.slice(1, -1), item));
  }
  if (kind.startsWith("{")) {
    if (typeof value !== "object" || value === null) return new Nil("map");
    const entries = Object.entries(value).map(([key, item]) => [key, convertItem(kind.slice(1, -1), item)] as const);
    return Object.fromEntries(entries);
  }
  if (value !== undefined && value !== null) return value as Value;
  if (kind === "@") return [0, 0];
  return kind === "#" ? 0 : kind === "?" ? false : "";
}

/** Converts an item of a list or map: of a named type, a list, or any other value. */
function convertItem(kind: string, item: unknown): Value {
  if (kind.startsWith("[")) return convert(kind, item);
  return Object.hasOwn(SHAPES, kind) ? shaped(kind as ShapeName, item) : item as Value;
}

function isEmpty(value: Value): boolean {
  if (value instanceof Nil) return true;
  if (value instanceof Struct) return false;
  return typeof value === "object" && value !== null ? Object.keys(value).length === 0 : !value;
}
