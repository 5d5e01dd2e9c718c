/**
 * @module
 * From a checked request and an image to what is kept of a container: the configuration as inspect shows it, and the
 * settings from which its OCI configuration is made. Pure, so that it can be checked at creation and used at each start.
 */
import type { ContainerConfig, HostConfig } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import type { ImageConfig } from "../../image/config.ts";
import type { TerminalSize } from "../../runtime/process_io.ts";
import {
  type HostFacts,
  mergeCommand,
  mergeConfigEnv,
  mergeEnv,
  type NamespaceMode,
  type ResourceLimits,
  type SpecSettings,
} from "../../runtime/spec/mod.ts";
import { mergeHealthcheck } from "../health/health_config.ts";
import { checkLogConfig } from "./log_options.ts";
import { requestedMounts } from "./mounts.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { parseSignal } from "./signals.ts";

/** The caller's configuration over the image's, as Docker merges them. @throws {TsdError} invalid_argument */
export function mergeConfig(image: ImageConfig, own: ContainerConfig, id: string): ContainerConfig {
  const base = image.config;
  const { entrypoint, cmd } = mergeCommand(
    { entrypoint: base.entrypoint, cmd: base.cmd },
    { entrypoint: own.Entrypoint ?? undefined, cmd: own.Cmd ?? undefined },
  );
  if (entrypoint.length + cmd.length === 0) throw new TsdError("invalid_argument", "no command specified");
  return {
    ...own,
    Hostname: own.Hostname || id.slice(0, 12),
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
    OnBuild: null,
  };
}

/** The network as this version knows it. `default` has no bridge yet: it is a namespace with loopback only. */
export function networkKind(host: HostConfig): "host" | "none" {
  const mode = host.NetworkMode || "default";
  if (mode === "host") return "host";
  if (mode === "none" || mode === "default") return "none";
  throw new TsdError(
    "not_implemented",
    `Cannot create the container: network ${mode} is not supported yet; use --network host or --network none`,
  );
}

/** Said once at creation where the result is less than Docker's. */
export function networkWarnings(host: HostConfig): string[] {
  if ((host.NetworkMode || "default") !== "default") return [];
  return [
    "There is no bridge network yet: this container has a loopback device only. " +
    "Use --network host for the host's network, or --network none to say that this is meant.",
  ];
}

/** What the OCI configuration is made from; `home` is known once there is a root file system. @throws {TsdError} invalid_argument, not_implemented */
export function specSettings(
  config: ContainerConfig,
  host: HostConfig,
  facts: HostFacts,
  home?: string,
): SpecSettings {
  refuseRuntime(host);
  checkLogConfig(host);
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
    network: networkKind(host),
    ipc: ipcMode(host.IpcMode),
    pid: hostOrPrivate("--pid", host.PidMode),
    uts: hostOrPrivate("--uts", host.UTSMode),
    cgroupns: hostOrPrivate("--cgroupns", host.CgroupnsMode || (facts.cgroupVersion === 1 ? "host" : "private")),
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    privileged: host.Privileged ?? false,
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    mounts: requestedMounts(host).map(({ mount }) => mount),
    resources: resources(host),
    ...(host.ShmSize ? { shmSizeBytes: host.ShmSize } : {}),
    ...(host.Sysctls ? { sysctls: host.Sysctls } : {}),
    ...(host.Annotations ? { annotations: host.Annotations } : {}),
    ...(host.OomScoreAdj ? { oomScoreAdj: host.OomScoreAdj } : {}),
    ...(host.MaskedPaths ? { maskedPaths: host.MaskedPaths } : {}),
    ...(host.ReadonlyPaths ? { readonlyPaths: host.ReadonlyPaths } : {}),
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    ...parseSecurityOptions(host.SecurityOpt ?? [], host.Privileged ?? false),
    host: facts,
  };
}

/** Docker's `[height, width]`; 0 is unknown. */
export function consoleSize(size: readonly number[] | null | undefined): TerminalSize | undefined {
  const [rows, columns] = size ?? [];
  return rows && columns ? { rows, columns } : undefined;
}

function resources(host: HostConfig): ResourceLimits {
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
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function ipcMode(mode = ""): SpecSettings["ipc"] {
  if (mode === "none") return "none";
  return hostOrPrivate("--ipc", mode === "shareable" ? "private" : mode);
}

function hostOrPrivate(flag: string, mode = ""): NamespaceMode {
  if (mode === "" || mode === "private") return "private";
  if (mode === "host") return "host";
  throw new TsdError("not_implemented", `Cannot create the container: ${flag} ${mode} is not supported yet`);
}

function refuseRuntime({ Runtime: runtime }: HostConfig): void {
  if (runtime && runtime !== "runc") {
    throw new TsdError("invalid_argument", `unknown or invalid runtime name: ${runtime}`);
  }
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
