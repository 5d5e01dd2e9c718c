/**
 * @module
 * From a checked request and an image to what is kept of a container: the configuration as inspect shows it, and the
 * settings from which its OCI configuration is made. Pure, so that it can be checked at creation and used at each start.
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
 * The caller's configuration over the image's, as Docker merges them.
 * @param hostname where the caller has no wish
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

/** Of a container that names none: on the host's network it is the host's, on another container's that one's. */
export function defaultHostname(host: HostConfig, id: string, owner?: Pick<ContainerConfig, "Hostname">): string {
  return networkKind(host) === "host" ? Deno.hostname() : owner?.Hostname || id.slice(0, 12);
}

/** Before a start there is no namespace yet. */
const NOT_YET_KNOWN = "";

function networkMode(host: HostConfig, { net = NOT_YET_KNOWN }: SharedNamespaces): NetworkMode {
  const kind = networkKind(host);
  if (kind === "host" || kind === "none") return kind;
  return kind === "container" ? { path: net, shared: true } : { path: net };
}

/** What is known only when a container is about to start. */
export interface StartInfo {
  /** Of its user, from the image's account files. */
  readonly home?: string;
  /** Namespaces of other containers. */
  readonly joined?: SharedNamespaces;
  /** With their sources; what was asked for if not given. */
  readonly mounts?: readonly ContainerMount[];
}

/** What the OCI configuration is made from. @throws {TsdError} invalid_argument, not_implemented */
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

/** Docker's `[height, width]`; 0 is unknown. */
export function consoleSize(size: readonly number[] | null | undefined): TerminalSize | undefined {
  const [rows, columns] = size ?? [];
  return rows && columns ? { rows, columns } : undefined;
}

/** The limits on the use of the machine. */
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

/** Nothing is null, as in Docker. */
function volumes({ config: base }: ImageConfig, own: ContainerConfig): ContainerConfig["Volumes"] {
  const all = { ...ports(base.volumes), ...own.Volumes };
  return Object.keys(all).length === 0 ? null : all;
}

/** A health check's text is for the image's shell. */
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
