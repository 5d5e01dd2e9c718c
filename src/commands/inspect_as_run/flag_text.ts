/** Formats the values of a request in the notation of their flags: the inverse of parsing them. */
import type {
  DeviceMapping,
  HostConfig,
  Mount,
  NetworkingConfig,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
} from "../../api_types/mod.ts";
import { goDuration } from "../../units.ts";

export const ulimitText = ({ Name, Soft, Hard }: Ulimit): string => `${Name}=${Soft}${Hard === Soft ? "" : `:${Hard}`}`;

export function deviceText({ PathOnHost: host, PathInContainer: target, CgroupPermissions: access }: DeviceMapping) {
  return `${host}:${target}:${access}`;
}

export function rateTexts(devices: readonly ThrottleDevice[] | null | undefined): string[] {
  return (devices ?? []).map(({ Path, Rate }) => `${Path}:${Rate}`);
}

export function restartText({ Name, MaximumRetryCount: count }: RestartPolicy): string {
  return count ? `${Name}:${count}` : Name;
}

/** Formats pairs as `key=value`. */
export function pairTexts(pairs: Readonly<Record<string, string>> | null | undefined): string[] {
  return Object.entries(pairs ?? {}).map(([key, value]) => `${key}=${value}`);
}

export function durationText(nanos: number | undefined): string | undefined {
  return nanos ? goDuration(nanos / 1e6) : undefined;
}

/** Formats a mount for `--mount`. Settings that `--mount` can't express are omitted. */
export function mountText(mount: Mount): string {
  const { Type, Source, Target, ReadOnly, Consistency, BindOptions, TmpfsOptions, VolumeOptions, ImageOptions } = mount;
  const driver = VolumeOptions?.DriverConfig;
  const fields: (string | undefined | false)[] = [
    `type=${Type ?? "volume"}`,
    Source && `source=${Source}`,
    `target=${Target ?? ""}`,
    ReadOnly && "readonly",
    Consistency && `consistency=${Consistency}`,
    BindOptions?.Propagation && `bind-propagation=${BindOptions.Propagation}`,
    BindOptions?.CreateMountpoint && "bind-create-src",
    BindOptions?.NonRecursive && "bind-recursive=disabled",
    BindOptions?.ReadOnlyNonRecursive && "bind-recursive=writable",
    BindOptions?.ReadOnlyForceRecursive && "bind-recursive=readonly",
    TmpfsOptions?.SizeBytes ? `tmpfs-size=${TmpfsOptions.SizeBytes}` : undefined,
    TmpfsOptions?.Mode ? `tmpfs-mode=${TmpfsOptions.Mode.toString(8)}` : undefined,
    VolumeOptions?.NoCopy && "volume-nocopy",
    VolumeOptions?.Subpath && `volume-subpath=${VolumeOptions.Subpath}`,
    ...pairTexts(VolumeOptions?.Labels).map((pair) => `volume-label=${pair}`),
    driver?.Name && `volume-driver=${driver.Name}`,
    ...pairTexts(driver?.Options).map((pair) => `volume-opt=${pair}`),
    ImageOptions?.Subpath && `image-subpath=${ImageOptions.Subpath}`,
  ];
  return fields.filter((field): field is string => Boolean(field)).map(csvField).join(",");
}

/** Formats networks for `--network`; the network of the network mode comes first. */
export function networkTexts(mode: string | undefined, endpoints: NetworkingConfig["EndpointsConfig"]): string[] {
  if (!endpoints) return mode === undefined ? [] : [mode];
  const first = mode ?? "bridge";
  const entries = Object.entries(endpoints);
  const sorted = [...entries.filter(([name]) => name === first), ...entries.filter(([name]) => name !== first)];
  return sorted.map(([name, settings]) => {
    const { Aliases, IPAMConfig, GwPriority } = settings ?? {};
    const fields = [
      ...(Aliases ?? []).map((alias) => `alias=${alias}`),
      ...IPAMConfig?.IPv4Address ? [`ip=${IPAMConfig.IPv4Address}`] : [],
      ...IPAMConfig?.IPv6Address ? [`ip6=${IPAMConfig.IPv6Address}`] : [],
      ...GwPriority ? [`gw-priority=${GwPriority}`] : [],
    ];
    return fields.length === 0 ? name : [`name=${name}`, ...fields].join(",");
  });
}

/** Formats port bindings for `-p`. */
export const publishTexts = (bindings: HostConfig["PortBindings"]): string[] =>
  Object.entries(bindings ?? {}).flatMap(([port, list]) =>
    (list ?? []).map(({ HostIp: ip, HostPort: hostPort }) => {
      const address = ip === "" ? "" : `${ip.includes(":") ? `[${ip}]` : ip}:`;
      return address === "" && hostPort === "" ? port : `${address}${hostPort}:${port}`;
    })
  );

const csvField = (text: string): string => /[,"\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
