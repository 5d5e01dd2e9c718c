import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import type { EtcFilesInput } from "../../network/etc_files.ts";
import { hasBridge, networkKind } from "../model/network_mode.ts";

/** The part of a container's network that is known only when it starts. */
export type EtcNetwork = Pick<EtcFilesInput, "addresses" | "hostGateway" | "nameServer">;

/**
 * Returns what a container's `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` are made from, besides the host's own
 * files.
 */
export function etcSettings(
  config: ContainerConfig,
  host: HostConfig,
  network: EtcNetwork,
): Omit<EtcFilesInput, "hostHosts" | "hostResolvConf"> {
  const kind = networkKind(host);
  return {
    ...network,
    network: hasBridge(kind) ? "bridge" : kind === "host" ? "host" : "none",
    hostname: config.Hostname ?? "",
    domainname: config.Domainname ?? "",
    extraHosts: host.ExtraHosts ?? [],
    dns: host.Dns ?? [],
    dnsSearch: host.DnsSearch ?? [],
    dnsOptions: host.DnsOptions ?? [],
  };
}
