/**
 * @module
 * Generates the namespaces of a container and the sysctls in them (runtime-spec `config-linux.md`, "Namespaces").
 */
import { TsdError } from "../../errors.ts";
import type { NamespaceMode, NetworkMode, SpecSettings } from "./input.ts";
import type { OciNamespace, OciNamespaceType } from "./oci.ts";

/** The settings that determine the namespaces. */
export type NamespaceSettings = Pick<SpecSettings, "network" | "uts" | "pid" | "ipc" | "cgroupns" | "host">;

/** Returns the namespaces in Docker's order. Types that are not listed are the host's. */
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

/** Sysctls that let any user ping and listen on low ports; safe in a private network namespace. */
const NET_DEFAULTS: Readonly<Record<string, string>> = {
  "net.ipv4.ping_group_range": "0 2147483647",
  "net.ipv4.ip_unprivileged_port_start": "0",
};

/** Names of the sysctls that are set by default if the kernel has them. */
export const DEFAULT_NET_SYSCTLS: readonly string[] = Object.keys(NET_DEFAULTS);

/**
 * Returns all sysctls of the container; the user's take precedence. The domain name is one of them, as OCI 1.0 has no
 * field for it.
 */
export function sysctls(settings: SpecSettings): Record<string, string> {
  const { network, domainname, host } = settings;
  const defaults = hasPrivateNetwork(network)
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
 * Rejects sysctls that would change the host or another container.
 *
 * @throws {TsdError} invalid_argument
 */
export function validateSysctls({ sysctls = {}, domainname, network, ipc, uts }: SpecSettings): void {
  for (const name of Object.keys(sysctls)) {
    if (name.startsWith("net.")) rejectIf(network === "host", `sysctl '${name}' not allowed in host network namespace`);
    else if (IPC_SYSCTL.test(name)) rejectIf(ipc === "host", `sysctl '${name}' not allowed in host ipc namespace`);
    else rejectIf(true, `sysctl '${name}' is not allowed`);
  }
  rejectIf(Boolean(domainname) && uts === "host", "conflicting options: domainname and the UTS mode");
}

const hasPrivateNetwork = (mode: NetworkMode): boolean => mode !== "host" && !(typeof mode === "object" && mode.shared);

function namespace(type: OciNamespaceType, mode: NamespaceMode): OciNamespace[] {
  if (mode === "host") return [];
  return [mode === "private" ? { type } : { type, path: mode.path }];
}

function rejectIf(isInvalid: boolean, message: string): void {
  if (isInvalid) throw new TsdError("invalid_argument", message);
}
