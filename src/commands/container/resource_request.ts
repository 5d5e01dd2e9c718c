import type { HostConfig, Resources } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { parseByteRate, parseOperationRate, parseWeight } from "../opts/device.ts";
import type { LimitFlagValues, ResourceFlagValues } from "./resource_flags.ts";
import { ulimits } from "../opts/ulimit.ts";

/** Returns only the limits that were given. */
export function limits(flags: LimitFlagValues): Resources {
  return given<Resources>({
    BlkioWeight: flags["blkio-weight"],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuShares: flags["cpu-shares"],
    NanoCpus: flags.cpus,
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    Memory: flags.memory,
    MemoryReservation: flags["memory-reservation"],
    MemorySwap: flags["memory-swap"],
    PidsLimit: flags["pids-limit"],
  });
}

/** Returns the resource limits of a host configuration. @throws {UsageError} */
export function resources(flags: ResourceFlagValues): HostConfig {
  const swappiness = flags["memory-swappiness"];
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100)) {
    throw new UsageError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  return {
    ...limits(flags),
    ...given<HostConfig>({
      CgroupParent: flags["cgroup-parent"],
      MemorySwappiness: swappiness,
      OomKillDisable: flags["oom-kill-disable"] || undefined,
      OomScoreAdj: flags["oom-score-adj"],
      ShmSize: flags["shm-size"],
      BlkioWeightDevice: list(flags["blkio-weight-device"], parseWeight),
      BlkioDeviceReadBps: list(flags["device-read-bps"], parseByteRate),
      BlkioDeviceWriteBps: list(flags["device-write-bps"], parseByteRate),
      BlkioDeviceReadIOps: list(flags["device-read-iops"], parseOperationRate),
      BlkioDeviceWriteIOps: list(flags["device-write-iops"], parseOperationRate),
      DeviceCgroupRules: list(flags["device-cgroup-rule"], (rule) => rule),
      Ulimits: flags.ulimit.length === 0 ? undefined : ulimits(flags.ulimit),
    }),
  };
}

/** Parses a list; undefined if it is empty. */
export function list<T>(texts: readonly string[], parse: (text: string) => T): T[] | undefined {
  return texts.length === 0 ? undefined : texts.map(parse);
}

/** Returns the fields that are not undefined. */
export function given<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
