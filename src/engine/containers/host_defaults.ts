import type { HostConfig } from "../../api_types/mod.ts";
import { type HostInfo, maskedAndReadonlyPaths } from "../../runtime/spec/mod.ts";
import { cgroupnsMode } from "./namespace_modes.ts";
import { parseSecurityOptions } from "./security_options.ts";

const DEFAULT_SHM_BYTES = 64 << 20;

/**
 * Returns a valid host configuration with Docker's defaults filled in, so that inspect shows the values in effect for
 * the container's whole life.
 */
export function withHostDefaults(host: HostConfig, info: HostInfo): HostConfig {
  const { Privileged: privileged = false, Memory: memory = 0, PidsLimit: pids, MemorySwappiness: swappiness } = host;
  const isV1 = info.cgroupVersion === 1;
  return {
    ...host,
    ...memory > 0 && !host.MemorySwap ? { MemorySwap: 2 * memory } : {},
    MemorySwappiness: typeof swappiness === "number" && swappiness >= 0 ? swappiness : null,
    OomKillDisable: isV1 ? host.OomKillDisable ?? false : null,
    PidsLimit: typeof pids === "number" && pids > 0 ? pids : null,
    ShmSize: host.ShmSize || DEFAULT_SHM_BYTES,
    IpcMode: host.IpcMode || "private",
    CgroupnsMode: cgroupnsMode(host, info) as HostConfig["CgroupnsMode"],
    ...shownHiddenPaths(host, privileged, info),
  };
}

/** Returns the masked and read-only paths that inspect shows: null for a privileged container, as in Docker. */
function shownHiddenPaths(host: HostConfig, privileged: boolean, info: HostInfo) {
  const requested = parseSecurityOptions(host.SecurityOpt ?? [], privileged, info);
  const { maskedPaths, readonlyPaths } = maskedAndReadonlyPaths({
    maskedPaths: requested.maskedPaths ?? host.MaskedPaths ?? undefined,
    readonlyPaths: requested.readonlyPaths ?? host.ReadonlyPaths ?? undefined,
    privileged,
    host: info,
  });
  const shown = (paths: readonly string[], given: unknown) => privileged && !given ? null : paths;
  return {
    MaskedPaths: shown(maskedPaths, host.MaskedPaths),
    ReadonlyPaths: shown(readonlyPaths, host.ReadonlyPaths),
  };
}
