/**
 * @module
 * Checks the body of a creation request: types first, then what this version can't do. A field either has an effect or
 * is refused with a reason, unless it has its empty value (the docker CLI sends 2 KB of those).
 */
import type { ContainerConfig, ContainerCreateRequest, HostConfig } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import { checkHealthcheck } from "../health/health_config.ts";
import { parseRestartPolicy } from "./restart_policy.ts";

type Kind = "text" | "flag" | "number" | "texts" | "textMap" | "object" | "list" | "size";
type Shape<T> = { readonly [K in keyof T]?: Kind };

/** Types of the fields that are read; others are not looked at, as in Docker. */
const CONFIG_SHAPE: Shape<ContainerConfig> = {
  Hostname: "text",
  Domainname: "text",
  User: "text",
  AttachStdin: "flag",
  AttachStdout: "flag",
  AttachStderr: "flag",
  Tty: "flag",
  OpenStdin: "flag",
  StdinOnce: "flag",
  Env: "texts",
  Cmd: "texts",
  Entrypoint: "texts",
  Image: "text",
  Volumes: "object",
  WorkingDir: "text",
  Labels: "textMap",
  StopSignal: "text",
  StopTimeout: "number",
  ExposedPorts: "object",
  Healthcheck: "object",
  MacAddress: "text",
  Shell: "texts",
  NetworkDisabled: "flag",
};

const HOST_SHAPE: Shape<HostConfig> = {
  Binds: "texts",
  NetworkMode: "text",
  AutoRemove: "flag",
  Mounts: "list",
  CapAdd: "texts",
  CapDrop: "texts",
  CgroupnsMode: "text",
  Dns: "texts",
  DnsOptions: "texts",
  DnsSearch: "texts",
  ExtraHosts: "texts",
  GroupAdd: "texts",
  IpcMode: "text",
  OomScoreAdj: "number",
  PidMode: "text",
  Privileged: "flag",
  ReadonlyRootfs: "flag",
  SecurityOpt: "texts",
  Tmpfs: "textMap",
  UTSMode: "text",
  ShmSize: "number",
  Sysctls: "textMap",
  Runtime: "text",
  Init: "flag",
  MaskedPaths: "texts",
  ReadonlyPaths: "texts",
  Annotations: "textMap",
  LogConfig: "object",
  RestartPolicy: "object",
  PortBindings: "object",
  Ulimits: "list",
  Memory: "number",
  MemorySwap: "number",
  MemoryReservation: "number",
  MemorySwappiness: "number",
  OomKillDisable: "flag",
  NanoCpus: "number",
  CpuShares: "number",
  CpuPeriod: "number",
  CpuQuota: "number",
  CpusetCpus: "text",
  CpusetMems: "text",
  PidsLimit: "number",
  ConsoleSize: "size",
};

/** What this version refuses, in the words that complete "… is not supported yet". */
const REFUSED_CONFIG: { readonly [K in keyof ContainerConfig]?: string } = {
  Volumes: "an anonymous volume (-v /path)",
  MacAddress: "a MAC address",
  NetworkDisabled: "NetworkDisabled (use --network none), which",
};

const REFUSED_HOST: { readonly [K in keyof HostConfig]?: string } = {
  PortBindings: "publishing ports (-p)",
  PublishAllPorts: "publishing ports (-P)",
  VolumeDriver: "a volume driver",
  VolumesFrom: "--volumes-from",
  Links: "--link",
  StorageOpt: "--storage-opt",
  UsernsMode: "--userns",
  Devices: "--device",
  DeviceCgroupRules: "--device-cgroup-rule",
  DeviceRequests: "--gpus",
  Isolation: "--isolation",
  Cgroup: "a shared cgroup",
  CgroupParent: "--cgroup-parent",
  BlkioWeight: "--blkio-weight",
  BlkioWeightDevice: "--blkio-weight-device",
  BlkioDeviceReadBps: "--device-read-bps",
  BlkioDeviceWriteBps: "--device-write-bps",
  BlkioDeviceReadIOps: "--device-read-iops",
  BlkioDeviceWriteIOps: "--device-write-iops",
  CpuRealtimePeriod: "--cpu-rt-period",
  CpuRealtimeRuntime: "--cpu-rt-runtime",
  KernelMemory: "--kernel-memory",
  KernelMemoryTCP: "a limit on the kernel's TCP memory",
  CpuCount: "--cpu-count",
  CpuPercent: "--cpu-percent",
  IOMaximumIOps: "--io-maxiops",
  IOMaximumBandwidth: "--io-maxbandwidth",
};

/** A checked request. */
export interface CreateRequest {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
}

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseCreateRequest(body: unknown): CreateRequest {
  if (!isObject(body)) throw new TsdError("invalid_argument", "Config cannot be empty in order to create a container");
  const { HostConfig: host, NetworkingConfig: networking, ...rest } = body as ContainerCreateRequest;
  if (host !== undefined && host !== null && !isObject(host)) throw wrongType("HostConfig", "an object");
  const config = withLists(rest as Record<string, unknown>);
  const hostConfig = (host ?? {}) as Record<string, unknown>;
  checkShape(config, CONFIG_SHAPE as Record<string, Kind>, "Config");
  checkShape(hostConfig, HOST_SHAPE as Record<string, Kind>, "HostConfig");
  refuse(config, REFUSED_CONFIG as Record<string, string>);
  refuse(hostConfig, REFUSED_HOST as Record<string, string>);
  refuseEndpoints(networking);
  parseRestartPolicy(hostConfig as HostConfig);
  checkHealthcheck((config as ContainerConfig).Healthcheck);
  return { config: config as ContainerConfig, hostConfig: hostConfig as HostConfig };
}

/** Docker takes one string where a list of arguments belongs. */
function withLists(config: Record<string, unknown>): Record<string, unknown> {
  const list = (value: unknown) => typeof value === "string" ? [value] : value;
  return { ...config, Cmd: list(config.Cmd), Entrypoint: list(config.Entrypoint) };
}

function checkShape(value: Record<string, unknown>, shape: Record<string, Kind>, where: string): void {
  for (const [name, kind] of Object.entries(shape)) {
    const field = value[name];
    if (field === undefined || field === null) continue;
    if (!CHECKS[kind](field)) throw wrongType(`${where}.${name}`, WORDS[kind]);
  }
}

const CHECKS: Record<Kind, (value: unknown) => boolean> = {
  // NUL can't be passed on to any system call.
  text: (value) => typeof value === "string" && !value.includes("\0"),
  flag: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number" && Number.isSafeInteger(value),
  texts: (value) => Array.isArray(value) && value.every((item) => CHECKS.text(item)),
  textMap: (value) => isObject(value) && Object.values(value).every((item) => CHECKS.text(item)),
  object: isObject,
  list: (value) => Array.isArray(value) && value.every(isObject),
  size: isConsoleSize,
};

const WORDS: Record<Kind, string> = {
  text: "a text without NUL",
  flag: "true or false",
  number: "a whole number",
  texts: "a list of texts",
  textMap: "an object of texts",
  object: "an object",
  list: "a list of objects",
  size: "[height, width]",
};

function refuse(value: Record<string, unknown>, refused: Record<string, string>): void {
  for (const [name, words] of Object.entries(refused)) {
    if (!isEmpty(value[name])) {
      throw new TsdError("not_implemented", `Cannot create the container: ${words} is not supported yet`);
    }
  }
}

function refuseEndpoints(networking: unknown): void {
  const endpoints = isObject(networking) ? (networking as { EndpointsConfig?: unknown }).EndpointsConfig : undefined;
  if (!isObject(endpoints)) return;
  for (const [name, settings] of Object.entries(endpoints)) {
    if (["default", "bridge", "host", "none"].includes(name) && isEmptyDeep(settings)) continue;
    throw new TsdError(
      "not_implemented",
      `Cannot create the container: settings of network ${name} are not supported yet`,
    );
  }
}

function isEmptyDeep(value: unknown): boolean {
  return isEmpty(value) || (isObject(value) && Object.values(value as object).every(isEmptyDeep));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Docker's `[height, width]` of a terminal, in characters. */
export function isConsoleSize(value: unknown): boolean {
  const isLength = (each: unknown) => Number.isInteger(each) && 0 <= (each as number) && (each as number) <= 0xffff;
  return Array.isArray(value) && value.length === 2 && value.every(isLength);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const wrongType = (name: string, wanted: string) =>
  new TsdError("invalid_argument", `Invalid container configuration: ${name} must be ${wanted}`);
