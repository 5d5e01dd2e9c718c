import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import type { NameFlagValues } from "./name_flags.ts";
import { exposedPorts } from "../opts/name_values.ts";
import { portBindings } from "../opts/port.ts";
import { given, list } from "./resource_request.ts";

/** Returns a container's host name, domain name and exposed ports. @throws {UsageError} */
export function nameConfig(flags: NameFlagValues): ContainerConfig {
  const ports = [...exposedPorts(flags.expose), ...Object.keys(portBindings(flags.publish))];
  return given<ContainerConfig>({
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    ExposedPorts: ports.length === 0 ? undefined : Object.fromEntries(ports.map((port) => [port, {}])),
  });
}

/** Returns a container's name resolution settings and published ports. @throws {UsageError} */
export function nameHostConfig(flags: NameFlagValues): HostConfig {
  const same = (text: string) => text;
  return given<HostConfig>({
    PortBindings: flags.publish.length === 0 ? undefined : portBindings(flags.publish),
    PublishAllPorts: flags["publish-all"] || undefined,
    Dns: list(flags.dns, same),
    DnsOptions: list(flags["dns-option"], same),
    DnsSearch: list(flags["dns-search"], same),
    ExtraHosts: list(flags["add-host"], same),
  });
}
