/**
 * Formats the command line that creates a container like an existing one. Each row of the table maps a part of the request to
 * a flag. Settings that no flag can express are returned separately. Pure.
 */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { CREATE_FLAGS } from "../container/create_flags.ts";
import { type FlagSpecs, UsageError } from "../../cli/mod.ts";
import type { MadeContainer } from "./inspected_container.ts";
import {
  deviceText,
  durationText,
  mountText,
  networkTexts,
  pairTexts,
  publishTexts,
  rateTexts,
  restartText,
  ulimitText,
} from "./flag_text.ts";
import { shellWord } from "./shell_quote.ts";

/** A command line for a POSIX shell, and the settings that it doesn't include. */
export interface RunLine {
  readonly line: string;
  readonly missing: readonly string[];
}

type Flag = keyof typeof CREATE_FLAGS | "detach";
type FlagArgument = true | string | number | readonly string[] | undefined | null;
/** A flag and its value in a request; undefined or null for a setting that was not requested. */
type Row = readonly [flag: Flag, value: (config: ContainerConfig, host: HostConfig) => FlagArgument];

const ROWS: readonly Row[] = [
  ["detach", (config) => isDetached(config) || undefined],
  ["interactive", ({ OpenStdin }) => OpenStdin || undefined],
  ["tty", ({ Tty }) => Tty || undefined],
  ["attach", (config) => namedStreams(config)],
  ["rm", (_, { AutoRemove }) => AutoRemove || undefined],
  ["restart", (_, { RestartPolicy }) => RestartPolicy && restartText(RestartPolicy)],
  ["hostname", ({ Hostname }) => Hostname],
  ["domainname", ({ Domainname }) => Domainname],
  ["add-host", (_, { ExtraHosts }) => ExtraHosts],
  ["dns", (_, { Dns }) => Dns],
  ["dns-option", (_, { DnsOptions }) => DnsOptions],
  ["dns-search", (_, { DnsSearch }) => DnsSearch],
  ["publish", (_, { PortBindings }) => publishTexts(PortBindings)],
  ["publish-all", (_, { PublishAllPorts }) => PublishAllPorts || undefined],
  ["expose", ({ ExposedPorts }, { PortBindings }) => unpublished(ExposedPorts, PortBindings)],
  ["user", ({ User }) => User],
  ["group-add", (_, { GroupAdd }) => GroupAdd],
  ["workdir", ({ WorkingDir }) => WorkingDir],
  ["env", ({ Env }) => Env],
  ["label", ({ Labels }) => pairTexts(Labels)],
  ["annotation", (_, { Annotations }) => pairTexts(Annotations)],
  ["volume", ({ Volumes }, { Binds }) => [...Binds ?? [], ...Object.keys(Volumes ?? {})]],
  ["volume-driver", (_, { VolumeDriver }) => VolumeDriver],
  ["volumes-from", (_, { VolumesFrom }) => VolumesFrom],
  ["mount", (_, { Mounts }) => Mounts?.map(mountText)],
  ["tmpfs", (_, { Tmpfs }) => Object.entries(Tmpfs ?? {}).map(([to, how]) => how === "" ? to : `${to}:${how}`)],
  ["read-only", (_, { ReadonlyRootfs }) => ReadonlyRootfs || undefined],
  ["privileged", (_, { Privileged }) => Privileged || undefined],
  ["cap-add", (_, { CapAdd }) => CapAdd],
  ["cap-drop", (_, { CapDrop }) => CapDrop],
  ["security-opt", (_, host) => [...host.SecurityOpt ?? [], ...hasAllPaths(host) ? ["systempaths=unconfined"] : []]],
  ["device", (_, { Devices }) => Devices?.map(deviceText)],
  ["device-cgroup-rule", (_, { DeviceCgroupRules }) => DeviceCgroupRules],
  ["sysctl", (_, { Sysctls }) => pairTexts(Sysctls)],
  ["ulimit", (_, { Ulimits }) => Ulimits?.map(ulimitText)],
  ["pid", (_, { PidMode }) => PidMode],
  ["ipc", (_, { IpcMode }) => IpcMode],
  ["uts", (_, { UTSMode }) => UTSMode],
  ["userns", (_, { UsernsMode }) => UsernsMode],
  ["cgroupns", (_, { CgroupnsMode }) => CgroupnsMode],
  ["cgroup-parent", (_, { CgroupParent }) => CgroupParent],
  ["isolation", (_, { Isolation }) => Isolation],
  ["runtime", (_, { Runtime }) => Runtime],
  ["init", (_, { Init }) => Init || undefined],
  ["shm-size", (_, { ShmSize }) => ShmSize],
  ["memory", (_, { Memory }) => Memory],
  ["memory-swap", (_, { MemorySwap }) => MemorySwap],
  ["memory-reservation", (_, { MemoryReservation }) => MemoryReservation],
  ["memory-swappiness", (_, { MemorySwappiness }) => MemorySwappiness],
  ["oom-kill-disable", (_, { OomKillDisable }) => OomKillDisable || undefined],
  ["oom-score-adj", (_, { OomScoreAdj }) => OomScoreAdj],
  ["cpus", (_, { NanoCpus }) => NanoCpus && String(NanoCpus / 1e9)],
  ["cpu-shares", (_, { CpuShares }) => CpuShares],
  ["cpu-period", (_, { CpuPeriod }) => CpuPeriod],
  ["cpu-quota", (_, { CpuQuota }) => CpuQuota],
  ["cpuset-cpus", (_, { CpusetCpus }) => CpusetCpus],
  ["cpuset-mems", (_, { CpusetMems }) => CpusetMems],
  ["pids-limit", (_, { PidsLimit }) => PidsLimit],
  ["blkio-weight", (_, { BlkioWeight }) => BlkioWeight],
  [
    "blkio-weight-device",
    (_, { BlkioWeightDevice }) => BlkioWeightDevice?.map(({ Path, Weight }) => `${Path}:${Weight}`),
  ],
  ["device-read-bps", (_, { BlkioDeviceReadBps }) => rateTexts(BlkioDeviceReadBps)],
  ["device-read-iops", (_, { BlkioDeviceReadIOps }) => rateTexts(BlkioDeviceReadIOps)],
  ["device-write-bps", (_, { BlkioDeviceWriteBps }) => rateTexts(BlkioDeviceWriteBps)],
  ["device-write-iops", (_, { BlkioDeviceWriteIOps }) => rateTexts(BlkioDeviceWriteIOps)],
  ["log-driver", (_, { LogConfig }) => LogConfig?.Type || undefined],
  ["log-opt", (_, { LogConfig }) => pairTexts(LogConfig?.Config)],
  ["stop-signal", ({ StopSignal }) => StopSignal],
  ["stop-timeout", ({ StopTimeout }) => StopTimeout],
  ["no-healthcheck", ({ Healthcheck }) => Healthcheck?.Test?.[0] === "NONE" || undefined],
  ["health-cmd", ({ Healthcheck }) => shellCheck(Healthcheck?.Test)],
  ["health-interval", ({ Healthcheck }) => durationText(Healthcheck?.Interval)],
  ["health-timeout", ({ Healthcheck }) => durationText(Healthcheck?.Timeout)],
  ["health-start-period", ({ Healthcheck }) => durationText(Healthcheck?.StartPeriod)],
  ["health-start-interval", ({ Healthcheck }) => durationText(Healthcheck?.StartInterval)],
  ["health-retries", ({ Healthcheck }) => Healthcheck?.Retries],
];

/** Docker's host settings for which this client has no flag. */
const WITHOUT_FLAG: readonly (keyof HostConfig)[] = [
  ...[
    "Links",
    "StorageOpt",
    "DeviceRequests",
  ] as const,
  ...["Cgroup", "CpuRealtimePeriod", "CpuRealtimeRuntime", "KernelMemory", "KernelMemoryTCP"] as const,
];

/** Formats a request as `tsd run …`, in one line. */
export function runLine({ name, image, config, hostConfig, endpoints }: MadeContainer): RunLine {
  const missing = inexpressible(config, hostConfig);
  const words: string[] = ["run", "--name", name];
  for (const network of networkTexts(hostConfig.NetworkMode, endpoints)) words.push("--network", network);
  for (const [flag, valueIn] of ROWS) {
    const value = valueIn(config, hostConfig);
    if (value === undefined || value === null) continue;
    if (value === true) words.push(`--${flag}`);
    else for (const each of Array.isArray(value) ? value : [String(value)]) addFlag(words, flag, each, missing);
  }
  const [entrypoint, ...rest] = config.Entrypoint ?? [];
  if (entrypoint !== undefined) words.push("--entrypoint", entrypoint);
  words.push(image, ...rest, ...config.Cmd ?? []);
  return { line: [...unsetting(config.Env ?? []), "tsd", ...words.map(shellWord)].join(" "), missing };
}

/** Adds a flag with its value. A value that the flag would refuse or change is added to `missing` instead. */
function addFlag(words: string[], flag: Flag, value: string, missing: string[]): void {
  const spec = (CREATE_FLAGS as FlagSpecs)[flag];
  try {
    if (spec?.type !== "list" || spec.check === undefined || spec.check(value) === value) {
      return void words.push(`--${flag}`, value);
    }
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
  }
  missing.push(`--${flag} ${shellWord(value)}`);
}

/**
 * Returns the prefix `env -u NAME …` for variables that remove the image's. `--env NAME` does that only if the caller's
 * environment doesn't have the variable.
 */
function unsetting(env: readonly string[]): string[] {
  const bare = env.filter((entry) => !entry.includes("="));
  return bare.length === 0 ? [] : ["env", ...bare.flatMap((name) => ["-u", shellWord(name)])];
}

function inexpressible(config: ContainerConfig, host: HostConfig): string[] {
  const { Healthcheck, Shell, Entrypoint, MacAddress } = config;
  const kind = Healthcheck?.Test?.[0];
  const has: readonly (readonly [string, boolean])[] = [
    ["a health check without a shell", kind !== undefined && kind !== "NONE" && kind !== "CMD-SHELL"],
    ["the shell of the health check", Boolean(Shell)],
    ["an entry point of several words, which is one with arguments", (Entrypoint?.length ?? 0) > 1],
    ["a MAC address", Boolean(MacAddress)],
    ["lists of masked and read-only paths", !hasAllPaths(host) && Boolean(host.MaskedPaths ?? host.ReadonlyPaths)],
    ["options of --mount", (host.Mounts ?? []).some(hasExtraOptions)],
    ...WITHOUT_FLAG.map((field) => [field, host[field] !== undefined] as const),
  ];
  return has.filter(([, exists]) => exists).map(([what]) => what);
}

/** Returns whether a mount has settings of the API that `--mount` can't express. */
const hasExtraOptions = ({ TmpfsOptions }: NonNullable<HostConfig["Mounts"]>[number]): boolean =>
  (TmpfsOptions?.Options ?? []).length > 0;

/** Returns the exposed ports that are not published. */
const unpublished = (exposed: ContainerConfig["ExposedPorts"], published: HostConfig["PortBindings"]): string[] =>
  Object.keys(exposed ?? {}).filter((port) => !Object.hasOwn(published ?? {}, port));

const hasAllPaths = ({ MaskedPaths, ReadonlyPaths }: HostConfig): boolean =>
  MaskedPaths?.length === 0 && ReadonlyPaths?.length === 0;

const isDetached = ({ AttachStdin, AttachStdout, AttachStderr }: ContainerConfig): boolean =>
  !AttachStdin && !AttachStdout && !AttachStderr;

/** Returns the streams for `--attach`; empty if they are the default: output, and input with `-i`. */
function namedStreams(config: ContainerConfig): string[] {
  const { AttachStdin = false, AttachStdout, AttachStderr, OpenStdin = false } = config;
  if (isDetached(config) || (AttachStdout && AttachStderr && AttachStdin === OpenStdin)) return [];
  const streams = [[AttachStdin, "stdin"], [AttachStdout, "stdout"], [AttachStderr, "stderr"]] as const;
  return streams.filter(([isAttached]) => isAttached).map(([, stream]) => stream);
}

const shellCheck = (test: readonly string[] | null | undefined): string | undefined =>
  test?.[0] === "CMD-SHELL" ? test[1] : undefined;
