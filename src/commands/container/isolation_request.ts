import type { HostConfig } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { parseDevice } from "../opts/device.ts";
import { splitPair } from "../opts/flag_values.ts";
import type { IsolationFlagValues } from "./isolation_flags.ts";
import { given, list } from "./resource_request.ts";
import { securityRequest } from "../opts/security_opt.ts";

const CONTAINER_MODE = /^container:.+/s;

/** The modes that Docker's client validates. The engine checks whether a container in a mode exists. */
const MODES = [
  ["pid", "--pid: invalid PID mode", (mode: string) => mode === "host" || CONTAINER_MODE.test(mode)],
  ["uts", "--uts: invalid UTS mode", (mode: string) => mode === "host"],
  ["userns", "--userns: invalid USER mode", (mode: string) => mode === "host"],
  ["cgroupns", "--cgroupns: invalid CGROUP mode", (mode: string) => mode === "host" || mode === "private"],
] as const;

/** Converts the isolation flags to a host configuration. @throws {UsageError} with Docker's messages */
export async function isolation(flags: IsolationFlagValues): Promise<HostConfig> {
  for (const [flag, message, isValid] of MODES) {
    const mode = flags[flag];
    if (mode !== undefined && mode !== "" && !isValid(mode)) throw new UsageError(message);
  }
  const security = await securityRequest(flags["security-opt"]);
  return given<HostConfig>({
    Annotations: pairs(flags.annotation),
    CapAdd: list(flags["cap-add"], (name) => name),
    CapDrop: list(flags["cap-drop"], (name) => name),
    CgroupnsMode: flags.cgroupns as HostConfig["CgroupnsMode"],
    Devices: list(flags.device, parseDevice),
    GroupAdd: list(flags["group-add"], (name) => name),
    IpcMode: flags.ipc,
    Isolation: flags.isolation,
    PidMode: flags.pid,
    Privileged: flags.privileged || undefined,
    ReadonlyRootfs: flags["read-only"] || undefined,
    Runtime: flags.runtime,
    SecurityOpt: list(security.options, (option) => option),
    MaskedPaths: security.allPaths ? [] : undefined,
    ReadonlyPaths: security.allPaths ? [] : undefined,
    Sysctls: pairs(flags.sysctl),
    UsernsMode: flags.userns,
    UTSMode: flags.uts,
  });
}

/** Parses `key=value` pairs; the last value of a key wins. */
function pairs(texts: readonly string[]): Record<string, string> | undefined {
  return texts.length === 0 ? undefined : Object.fromEntries(texts.map(splitPair));
}
