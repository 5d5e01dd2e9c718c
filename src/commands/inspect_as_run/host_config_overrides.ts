/**
 * Derives from a container's host configuration what was requested for it: the configuration without the values that an
 * engine fills in, and without those that belong only to the command line that created it. Pure.
 */
import type { HostConfig, SystemInfo } from "../../api_types/mod.ts";
import { isSame, withoutEmpty } from "./config_overrides.ts";

const DEFAULT_SHM_BYTES = 64 << 20;
/** Fields that belong to one command line: the file of `--cidfile` and the size of the terminal. */
const OF_ONE_COMMAND = ["ContainerIDFile", "ConsoleSize"] as const;

type Engine = Pick<SystemInfo, "DefaultRuntime" | "CgroupVersion">;

/** For each field, whether its value is one that an engine fills in. */
const FILLED_IN: {
  readonly [K in keyof HostConfig]?: (value: HostConfig[K], host: HostConfig, engine: Engine) => boolean;
} = {
  NetworkMode: (mode) => mode === "default",
  IpcMode: (mode) => mode === "private",
  ShmSize: (size) => size === DEFAULT_SHM_BYTES || size === 0,
  Runtime: (runtime, _, { DefaultRuntime }) => runtime === DefaultRuntime,
  CgroupnsMode: (mode, _, { CgroupVersion }) => mode === (CgroupVersion === "1" ? "host" : "private"),
  MemorySwap: (swap, { Memory = 0 }) => swap === 0 || swap === 2 * Memory,
  MemorySwappiness: (swappiness) => swappiness === -1,
  RestartPolicy: (policy) => ["", "no"].includes(policy?.Name ?? ""),
  LogConfig: (logs) => ["", "json-file"].includes(logs?.Type ?? "") && Object.keys(logs?.Config ?? {}).length === 0,
  MaskedPaths: (paths) => paths !== null && paths !== undefined && isDockers(paths, "/proc/kcore"),
  ReadonlyPaths: (paths) => paths !== null && paths !== undefined && isDockers(paths, "/proc/sysrq-trigger"),
};

/** Returns whether paths are Docker's default list, recognized by one entry. An empty list was requested explicitly. */
const isDockers = (paths: readonly string[], one: string): boolean => paths.length > 1 && paths.includes(one);

/** Fields for which an empty list is a value. */
const EMPTY_COUNTS = ["MaskedPaths", "ReadonlyPaths"] as const;

/** Returns the fields of a host configuration that were requested. */
export function hostConfigOverrides(host: HostConfig, engine: Engine): HostConfig {
  const requested = Object.entries(host).filter(([name, value]) => {
    if (value === false || (value === 0 && name !== "MemorySwappiness")) return false;
    const isFilledIn = FILLED_IN[name as keyof HostConfig] as
      | ((value: unknown, host: HostConfig, engine: Engine) => boolean)
      | undefined;
    return !isFilledIn?.(value, host, engine);
  });
  const overrides = withoutEmpty(Object.fromEntries(requested)) as HostConfig;
  for (const name of OF_ONE_COMMAND) delete overrides[name];
  for (const name of EMPTY_COUNTS) if (isSame(host[name] ?? ["-"], [])) overrides[name] = [];
  return overrides;
}
