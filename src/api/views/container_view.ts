/**
 * @module
 * Converts containers to the types of the Engine API. Everything that exists for clients only (status texts, defaults
 * in inspect, empty lists) is added here.
 */
import { type Container, type ContainerState, isLive } from "../../engine/model/container.ts";
import { mountsOf, type RequestedMount } from "../../engine/model/mounts.ts";
import { shownPolicy } from "../../engine/model/restart_policy.ts";
import type { HealthState } from "../../engine/health/health_monitor.ts";
import type { EndpointState } from "../../engine/model/network.ts";
import { containerPaths, type EnginePaths } from "../../engine/paths.ts";
import { humanDuration } from "../../units.ts";
import { networks, networkSettings, portSummaries } from "./network_settings.ts";
import { ZERO_CONFIG, ZERO_HOST_CONFIG } from "./zero_values.ts";
import type {
  ContainerInspect,
  ContainerState as WireState,
  ContainerSummary,
  Health,
  HostConfig,
  MountPoint,
} from "../../api_types/mod.ts";

/** Go's zero time, which Docker returns for "never". */
const NEVER = "0001-01-01T00:00:00Z";

/** The files are created when the container starts. */
const NO_FILES = { ResolvConfPath: "", HostnamePath: "", HostsPath: "", LogPath: "" };

/** Input of {@link inspectContainer} besides the container. */
export interface InspectContext {
  readonly paths: EnginePaths;
  /** Name of the storage driver. */
  readonly driver: string;
  readonly execIds: readonly string[];
  readonly network: EndpointState;
  /** Set if the container has a health check and was started. */
  readonly health?: HealthState | undefined;
}

/** `GET /containers/{id}/json`. */
export function inspectContainer(container: Container, context: InspectContext): ContainerInspect {
  const { paths, driver, execIds, health, network } = context;
  const { id, name, record } = container;
  const { home, log } = containerPaths(paths, id);
  const [path = "", ...args] = [...record.config.Entrypoint ?? [], ...record.config.Cmd ?? []];
  return {
    Id: id,
    Created: timestamp(container.createdMs),
    Path: path,
    Args: args,
    State: { ...wireState(container.state), ...(health && { Health: wireHealth(health) }) },
    Image: record.imageId,
    ...container.state.status === "created" ? NO_FILES : {
      ResolvConfPath: `${home}/resolv.conf`,
      HostnamePath: `${home}/hostname`,
      HostsPath: `${home}/hosts`,
      LogPath: record.hostConfig.LogConfig?.Type === "none" ? "" : log,
    },
    Name: `/${name}`,
    RestartCount: container.restarts.count,
    Driver: driver,
    Platform: record.platform,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execIds.length === 0 ? null : execIds,
    HostConfig: withDefaults(record.hostConfig),
    GraphDriver: { Name: driver, Data: null },
    Mounts: mountPoints(record),
    Config: { ...ZERO_CONFIG, ...record.config },
    NetworkSettings: networkSettings(container, network),
  };
}

/** One row of `GET /containers/json`. */
export function summariseContainer(
  container: Container,
  nowMs: number,
  network: EndpointState,
  health?: HealthState,
): ContainerSummary {
  const { id, name, record, state } = container;
  return {
    Id: id,
    Names: [`/${name}`],
    Image: record.imageName,
    ImageID: record.imageId,
    Command: commandText([...record.config.Entrypoint ?? [], ...record.config.Cmd ?? []]),
    Created: Math.floor(container.createdMs / 1000),
    Ports: portSummaries(container, network),
    Labels: record.config.Labels ?? {},
    State: state.status,
    Status: statusText(state, nowMs, health?.status),
    HostConfig: { NetworkMode: networkMode(record.hostConfig) },
    NetworkSettings: { Networks: networks(network) },
    Mounts: mountPoints(record),
  };
}

/** Formats a command line: `sh -c 'a b'`. Like Docker, quotes arguments that contain a space, without escaping. */
export function commandText([path = "", ...args]: readonly string[]): string {
  return [path, ...args.map((arg) => arg.includes(" ") ? `'${arg}'` : arg)].join(" ");
}

/** Returns a status text: `Up 2 minutes (healthy)`, `Exited (0) 3 hours ago`, `Created`. */
export function statusText(state: ContainerState, nowMs: number, health?: HealthState["status"]): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${humanDuration(nowMs - state.startedMs)}${health === undefined ? "" : ` (${HEALTH_WORDS[health]})`}`;
    case "paused":
      return `Up ${humanDuration(nowMs - state.startedMs)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${humanDuration(nowMs - state.finishedMs)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${humanDuration(nowMs - state.finishedMs)} ago`;
  }
}

const HEALTH_WORDS: Readonly<Record<HealthState["status"], string>> = {
  starting: "health: starting",
  healthy: "healthy",
  unhealthy: "unhealthy",
};

function wireHealth({ status, failingStreak, log }: HealthState): Health {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ startMs, endMs, exitCode, output }) => ({
      Start: timestamp(startMs),
      End: timestamp(endMs),
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

function wireState(state: ContainerState): WireState {
  const live = isLive(state);
  return {
    Status: state.status,
    Running: live || state.status === "restarting",
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: "oomKilled" in state && (state.oomKilled ?? false),
    Dead: false,
    Pid: live ? state.pid : 0,
    ExitCode: live ? 0 : state.exitCode,
    Error: live ? "" : state.error,
    StartedAt: state.status === "created" ? NEVER : timestamp(state.startedMs),
    FinishedAt: "finishedMs" in state ? timestamp(state.finishedMs) : NEVER,
  };
}

/** Fills in fields that clients read without checking that they exist. */
function withDefaults(host: HostConfig): HostConfig {
  const given = Object.entries(host).filter(([, value]) => value !== undefined && value !== null);
  return {
    ...ZERO_HOST_CONFIG,
    ...Object.fromEntries(given),
    NetworkMode: networkMode(host),
    RestartPolicy: shownPolicy(host),
    LogConfig: { Type: host.LogConfig?.Type || "json-file", Config: host.LogConfig?.Config ?? {} },
    PortBindings: host.PortBindings ?? {},
    IpcMode: host.IpcMode || ZERO_HOST_CONFIG.IpcMode,
    ShmSize: host.ShmSize || ZERO_HOST_CONFIG.ShmSize,
    Runtime: host.Runtime || ZERO_HOST_CONFIG.Runtime,
  };
}

const networkMode = (host: HostConfig): string => host.NetworkMode || "default";

function mountPoints(record: Container["record"]): MountPoint[] {
  return mountsOf(record).filter(({ isTmpfsFlag }) => !isTmpfsFlag).map(mountPoint);
}

function mountPoint({ mount, mode, volume, image }: RequestedMount): MountPoint {
  if (mount.kind === "tmpfs") {
    return { Type: "tmpfs", Source: "", Destination: mount.target, Mode: "", RW: true, Propagation: "" };
  }
  const paths = { Source: mount.source, Destination: mount.target };
  if (volume !== undefined) {
    const { name: Name } = volume;
    return { Type: "volume", Name, ...paths, Driver: "local", Mode: mode, RW: !mount.readOnly, Propagation: "" };
  }
  if (image !== undefined) {
    return { Type: "image", Name: image.name, ...paths, Mode: mode, RW: false, Propagation: "rprivate" };
  }
  return { Type: "bind", ...paths, Mode: mode, RW: !mount.readOnly, Propagation: mount.propagation ?? "rprivate" };
}

/** Formats a time as RFC 3339 with nanoseconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}
