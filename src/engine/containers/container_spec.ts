/**
 * @module
 * Derives from a valid request and an image the configuration that inspect shows, and the settings from which the OCI
 * configuration is generated. Pure, so that it validates at creation and is used at each start.
 */
import type { ContainerConfig, HostConfig, Resources, ThrottleDevice } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { ImageConfig } from "../../image/config.ts";
import type { TerminalSize } from "../../runtime/stdio.ts";
import {
  type ContainerMount,
  type HostInfo,
  mergeCommand,
  mergeConfigEnv,
  mergeEnv,
  type NetworkMode,
  type ResourceLimits,
  type SpecSettings,
} from "../../runtime/spec/mod.ts";
import { mergeHealthcheck } from "../model/health_config.ts";
import { networkKind } from "../model/network_mode.ts";
import { checkLogConfig } from "../model/log_options.ts";
import type { SharedNamespaces } from "./shared_namespaces.ts";
import { requestedMounts } from "../model/mounts.ts";
import { namespaceModes } from "./namespace_modes.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { parseSignal } from "../model/signals.ts";

/**
 * Merges the request's configuration over the image's, as Docker does.
 * @param hostname used if the request has none
 * @throws {TsdError} invalid_argument
 */
export function mergeConfig(image: ImageConfig, own: ContainerConfig, hostname: string): ContainerConfig {
  const base = image.config;
  const { entrypoint, cmd } = mergeCommand(
    { entrypoint: base.entrypoint, cmd: base.cmd },
    { entrypoint: own.Entrypoint ?? undefined, cmd: own.Cmd ?? undefined },
  );
  if (entrypoint.length + cmd.length === 0) throw new TsdError("invalid_argument", "no command specified");
  return {
    ...own,
    Hostname: own.Hostname || hostname,
    Domainname: own.Domainname ?? "",
    User: own.User || base.user || "",
    Env: mergeConfigEnv(base.env ?? [], own.Env ?? []),
    Entrypoint: entrypoint.length === 0 ? null : entrypoint,
    Cmd: cmd,
    WorkingDir: own.WorkingDir || base.workingDir || "",
    Labels: { ...base.labels, ...own.Labels },
    ...health(image, own),
    ...stopSignal(own.StopSignal || base.stopSignal),
    ...(own.ExposedPorts || base.exposedPorts
      ? { ExposedPorts: { ...ports(base.exposedPorts), ...own.ExposedPorts } }
      : {}),
    Volumes: volumes(image, own),
    OnBuild: null,
  };
}

/**
 * Returns the hostname of a container that requests none: the host's with the host's network, the owner's with another
 * container's network, else the short id.
 */
export function defaultHostname(host: HostConfig, id: string, owner?: Pick<ContainerConfig, "Hostname">): string {
  return networkKind(host) === "host" ? Deno.hostname() : owner?.Hostname || id.slice(0, 12);
}

/** Placeholder for the path of a namespace before the start. */
const NOT_YET_KNOWN = "";

function networkMode(host: HostConfig, { net = NOT_YET_KNOWN }: SharedNamespaces): NetworkMode {
  const kind = networkKind(host);
  if (kind === "host" || kind === "none") return kind;
  return kind === "container" ? { path: net, shared: true } : { path: net };
}

/** What is known only when a container starts. */
export interface StartInfo {
  /** Home directory of its user, from the root filesystem's `/etc/passwd`. */
  readonly home?: string;
  /** Namespaces of other containers. */
  readonly joined?: SharedNamespaces;
  /** Mounts with their sources. Default: the requested ones. */
  readonly mounts?: readonly ContainerMount[];
}

/**
 * Returns the settings from which the OCI configuration is generated.
 * @throws {TsdError} invalid_argument, not_implemented
 */
export function specSettings(
  config: ContainerConfig,
  host: HostConfig,
  info: HostInfo,
  { home, joined = {}, mounts }: StartInfo = {},
): SpecSettings {
  checkLogConfig(host);
  const modes = namespaceModes(host, info, joined);
  return {
    args: [...config.Entrypoint ?? [], ...config.Cmd ?? []],
    cwd: config.WorkingDir || "/",
    env: mergeEnv([], config.Env ?? [], {
      hostname: config.Hostname ?? "",
      tty: config.Tty ?? false,
      ...(home === undefined ? {} : { home }),
    }),
    tty: config.Tty ?? false,
    consoleSize: consoleSize(host.ConsoleSize),
    hostname: config.Hostname ?? "",
    ...(config.Domainname ? { domainname: config.Domainname } : {}),
    network: networkMode(host, joined),
    ...modes,
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    privileged: host.Privileged ?? false,
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    mounts: mounts ?? requestedMounts(host).map(({ mount }) => mount),
    resources: resources(host),
    deviceCgroupRules: host.DeviceCgroupRules ?? [],
    ...(host.ShmSize ? { shmSizeBytes: host.ShmSize } : {}),
    ...(host.Sysctls ? { sysctls: host.Sysctls } : {}),
    ...(host.Annotations ? { annotations: host.Annotations } : {}),
    ...(host.OomScoreAdj ? { oomScoreAdj: host.OomScoreAdj } : {}),
    ...(host.MaskedPaths ? { maskedPaths: host.MaskedPaths } : {}),
    ...(host.ReadonlyPaths ? { readonlyPaths: host.ReadonlyPaths } : {}),
    ulimits: (host.Ulimits ?? []).map(({ Name = "", Soft = 0, Hard = 0 }) => ({ name: Name, soft: Soft, hard: Hard })),
    ...parseSecurityOptions(host.SecurityOpt ?? [], host.Privileged ?? false, info),
    host: info,
  };
}

/** Converts Docker's `[height, width]`, in which 0 means unknown. */
export function consoleSize(size: readonly number[] | null | undefined): TerminalSize | undefined {
  const [rows, columns] = size ?? [];
  return rows && columns ? { rows, columns } : undefined;
}

/** Returns the resource limits. */
export function resources(host: Resources): ResourceLimits {
  const all: ResourceLimits = {
    memoryBytes: host.Memory,
    memorySwapBytes: host.MemorySwap,
    memoryReservationBytes: host.MemoryReservation,
    memorySwappiness: host.MemorySwappiness ?? undefined,
    oomKillDisable: host.OomKillDisable ?? undefined,
    nanoCpus: host.NanoCpus,
    cpuShares: host.CpuShares,
    cpuPeriodMicros: host.CpuPeriod,
    cpuQuotaMicros: host.CpuQuota,
    cpusetCpus: host.CpusetCpus,
    cpusetMems: host.CpusetMems,
    pidsLimit: host.PidsLimit ?? undefined,
    blkioWeight: host.BlkioWeight,
    blkioWeightDevices: host.BlkioWeightDevice?.map(({ Path: path, Weight: value }) => ({ path, value })),
    blkioReadBps: rates(host.BlkioDeviceReadBps),
    blkioWriteBps: rates(host.BlkioDeviceWriteBps),
    blkioReadIops: rates(host.BlkioDeviceReadIOps),
    blkioWriteIops: rates(host.BlkioDeviceWriteIOps),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const rates = (devices: readonly ThrottleDevice[] | null | undefined) =>
  devices?.map(({ Path: path, Rate: value }) => ({ path, value }));

/** Returns the volumes; null if there are none, as in Docker. */
function volumes({ config: base }: ImageConfig, own: ContainerConfig): ContainerConfig["Volumes"] {
  const all = { ...ports(base.volumes), ...own.Volumes };
  return Object.keys(all).length === 0 ? null : all;
}

/** Returns the health check with the shell that runs a check given as a string, which is the image's. */
function health({ config: base }: ImageConfig, own: ContainerConfig): Pick<ContainerConfig, "Healthcheck" | "Shell"> {
  const check = mergeHealthcheck(base.healthcheck, own.Healthcheck);
  const shell = own.Shell ?? base.shell;
  return { ...(check && { Healthcheck: check }), ...(shell && { Shell: shell }) };
}

function stopSignal(name: string | undefined): { StopSignal?: string } {
  if (!name) return {};
  parseSignal(name);
  return { StopSignal: name };
}

const ports = (names: Iterable<string> | undefined) =>
  Object.fromEntries([...names ?? []].map((name): [string, Record<string, never>] => [name, {}]));
