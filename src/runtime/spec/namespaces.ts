/**
 * @module
 * Namespaces of a container, and the sysctls that come with them (runtime-spec `config-linux.md`, "Namespaces").
 */
import { TsdError } from "../../errors.ts";
import type { NamespaceMode, NetworkMode, SpecSettings } from "./input.ts";
import type { OciNamespace, OciNamespaceType } from "./oci.ts";

/** What decides about namespaces. */
export type NamespaceSettings = Pick<SpecSettings, "network" | "uts" | "pid" | "ipc" | "cgroupns" | "host">;

/** In Docker's order; the host's namespaces are those that are not listed. */
export function namespaces({ network, uts, pid, ipc, cgroupns, host }: NamespaceSettings): OciNamespace[] {
  return [
    { type: "mount" },
    ...namespace("network", network === "none" ? "private" : network),
    ...namespace("uts", uts),
    ...namespace("pid", pid),
    ...namespace("ipc", ipc === "none" ? "private" : ipc),
    ...namespace("cgroup", host.cgroupNamespaces ? cgroupns : "host"),
  ];
}

/** Values that let any user ping and listen on low ports; safe in a network namespace of one's own. */
const NET_DEFAULTS: Readonly<Record<string, string>> = {
  "net.ipv4.ping_group_range": "0 2147483647",
  "net.ipv4.ip_unprivileged_port_start": "0",
};

/** Names of the sysctls that a container gets by default where they exist. */
export const DEFAULT_NET_SYSCTLS: readonly string[] = Object.keys(NET_DEFAULTS);

/** All sysctls of the container; the user's win. The domain name is one, as OCI 1.0 has no field for it. */
export function sysctls(settings: SpecSettings): Record<string, string> {
  const { network, domainname, host } = settings;
  const defaults = ownsNetwork(network)
    ? Object.entries(NET_DEFAULTS).filter(([name]) => host.netSysctls.includes(name))
    : [];
  return {
    ...Object.fromEntries(defaults),
    ...domainname ? { "kernel.domainname": domainname } : {},
    ...settings.sysctls,
  };
}

const IPC_SYSCTL = /^(?:fs\.mqueue\..+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced))$/;

/**
 * Refuses sysctls that would change the host or another container.
 *
 * @throws invalid_argument
 */
export function validateSysctls({ sysctls = {}, domainname, network, ipc, uts }: SpecSettings): void {
  for (const name of Object.keys(sysctls)) {
    if (name.startsWith("net.")) refuseIf(network === "host", `sysctl '${name}' not allowed in host network namespace`);
    else if (IPC_SYSCTL.test(name)) refuseIf(ipc === "host", `sysctl '${name}' not allowed in host ipc namespace`);
    else refuseIf(true, `sysctl '${name}' is not allowed`);
  }
  refuseIf(Boolean(domainname) && uts === "host", "conflicting options: domainname and the UTS mode");
}

const ownsNetwork = (mode: NetworkMode): boolean => mode !== "host" && !(typeof mode === "object" && mode.shared);

function namespace(type: OciNamespaceType, mode: NamespaceMode): OciNamespace[] {
  if (mode === "host") return [];
  return [mode === "private" ? { type } : { type, path: mode.path }];
}

function refuseIf(wrong: boolean, message: string): void {
  if (wrong) throw new TsdError("invalid_argument", message);
}
