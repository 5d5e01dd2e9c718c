/** @module `--network`: which kind of network a container has. */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { namedContainer } from "./container_mode.ts";
import type { ContainerRecord, RequestedEndpoint } from "./container.ts";

/** The networks that always exist. */
export type PredefinedName = "bridge" | "host" | "none";

/** What `--network` selects: `named` is a user-defined network. */
export type NetworkKind = PredefinedName | "container" | "named";

/** Returns the kind of network that a mode selects. @throws {TsdError} invalid_argument */
export function networkKind({ NetworkMode: mode }: Pick<HostConfig, "NetworkMode">): NetworkKind {
  switch (mode || "default") {
    case "default":
    case "bridge":
      return "bridge";
    case "host":
      return "host";
    case "none":
      return "none";
  }
  if (namedContainer(mode) !== undefined) return "container";
  if (mode === "container:") throw new TsdError("invalid_argument", "invalid container format container:<name|id>");
  return "named";
}

/** Returns whether the engine creates interfaces for this kind. */
export const hasBridge = (kind: NetworkKind): boolean => kind === "bridge" || kind === "named";

/** Returns the name or id of the network that a mode selects. */
export const modeNetwork = (host: Pick<HostConfig, "NetworkMode">): string =>
  networkKind(host) === "bridge" ? "bridge" : host.NetworkMode ?? "";

/** Returns the requested networks by name or id, the one of the network mode first. */
export function requestedNetworks(
  { hostConfig, networks }: AskingRecord,
): [name: string, requested: RequestedEndpoint][] {
  if (!hasBridge(networkKind(hostConfig))) return [];
  const mode = modeNetwork(hostConfig);
  // Containers of older engines have the network of their mode only.
  const entries = Object.entries(networks ?? { [mode]: {} });
  return [...entries.filter(([name]) => name === mode), ...entries.filter(([name]) => name !== mode)];
}

type AskingRecord = Pick<ContainerRecord, "networks"> & { readonly hostConfig: Pick<HostConfig, "NetworkMode"> };

/** Returns whether a container's sysctls disable IPv6 on all interfaces, so that it gets no IPv6 address. */
export const refusesIpv6 = ({ Sysctls }: Pick<HostConfig, "Sysctls">): boolean =>
  ["all", "default"].some((scope) => Sysctls?.[`net.ipv6.conf.${scope}.disable_ipv6`] === "1");

/** The options that another container's network excludes, in Docker's words. */
const CONFLICTS: readonly (readonly [what: string, given: (config: ContainerConfig, host: HostConfig) => unknown])[] = [
  ["hostname and the network mode", ({ Hostname }) => Hostname],
  ["dns and the network mode", (_, { Dns }) => Dns?.length],
  ["custom host-to-IP mapping and the network mode", (_, { ExtraHosts }) => ExtraHosts?.length],
  [
    "port publishing and the container type network mode",
    (_, { PortBindings, PublishAllPorts }) => PublishAllPorts || Object.keys(PortBindings ?? {}).length,
  ],
  ["port exposing and the container type network mode", ({ ExposedPorts }) => Object.keys(ExposedPorts ?? {}).length],
];

/** Refuses options that contradict the network mode. @throws {TsdError} invalid_argument */
export function refuseNetworkConflicts(config: ContainerConfig, host: HostConfig): void {
  if (networkKind(host) !== "container") return;
  const conflict = CONFLICTS.find(([, given]) => given(config, host));
  if (conflict !== undefined) throw new TsdError("invalid_argument", `conflicting options: ${conflict[0]}`);
}

/** Returns warnings for a new container about options without effect. */
export function networkWarnings(host: HostConfig): string[] {
  const publishes = host.PublishAllPorts || Object.keys(host.PortBindings ?? {}).length > 0;
  return publishes && networkKind(host) === "host"
    ? ["Published ports are discarded when using host network mode"]
    : [];
}
