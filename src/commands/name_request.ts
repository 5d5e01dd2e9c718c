import type { ContainerConfig, HostConfig } from "../api/wire/mod.ts";
import type { NameFlagValues } from "./name_flags.ts";
import { exposedPorts } from "./name_values.ts";
import { given, list } from "./resource_request.ts";

/** A container's own names, and the ports that it says it listens on. @throws {UsageError} */
export function nameConfig(flags: NameFlagValues): ContainerConfig {
  const ports = exposedPorts(flags.expose);
  return given<ContainerConfig>({
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    ExposedPorts: ports.length === 0 ? undefined : Object.fromEntries(ports.map((port) => [port, {}])),
  });
}

/** Whom it knows by name. */
export function nameHostConfig(flags: NameFlagValues): HostConfig {
  const same = (text: string) => text;
  return given<HostConfig>({
    Dns: list(flags.dns, same),
    DnsOptions: list(flags["dns-option"], same),
    DnsSearch: list(flags["dns-search"], same),
    ExtraHosts: list(flags["add-host"], same),
  });
}
