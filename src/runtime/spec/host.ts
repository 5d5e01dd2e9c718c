/**
 * @module
 * Information about the machine that the generator needs. It is read once when the engine starts and passed as plain
 * values, so that generation is a pure function.
 */

/** Limits and settings that the cgroup filesystems of this machine may support. */
export type CgroupFeature =
  | "memory"
  | "swap"
  | "memoryReservation"
  | "memorySwappiness"
  | "oomKillDisable"
  | "cpuShares"
  | "cpuQuota"
  | "cpuset"
  | "pids"
  | "blkioWeight"
  | "blkioWeightDevice"
  | "blkioReadBps"
  | "blkioWriteBps"
  | "blkioReadIops"
  | "blkioWriteIops";

/** Properties of this machine, and the privileges of the engine on it. */
export interface HostInfo {
  /** Architecture as named by Deno: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** Kernel release, such as `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** Whether the kernel supports seccomp. */
  readonly seccomp: boolean;
  /** Whether the kernel runs x32 programs, or may run them. */
  readonly x32: boolean;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupFeatures: ReadonlySet<CgroupFeature>;
  /** Whether the kernel supports cgroup namespaces. */
  readonly cgroupNamespaces: boolean;
  /** Whether AppArmor is enabled. */
  readonly appArmor: boolean;
  /** The engine's bounding set: bit n represents capability n. */
  readonly boundingCapabilities: bigint;
  /** The highest capability number that the kernel supports. */
  readonly lastCapability: number;
  /** Hard limits that can't be raised, by `--ulimit` name; those that are missing are unbounded. */
  readonly rlimitHardCaps: Readonly<Record<string, bigint>>;
  /** The lowest `oom_score_adj` that a child can be given. */
  readonly oomScoreAdjMin: number;
  /** Processors that the engine may run on. */
  readonly cpuCount: number;
  /** Lists such as `0-3,5`; empty if unknown. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  /** Whether a read-only mount can cover the mounts below it (Linux 5.12). */
  readonly recursiveReadOnly: boolean;
  /** Docker's default sysctls that exist on this machine. */
  readonly netSysctls: readonly string[];
  /** Per-processor files to mask, which reveal the load of other containers. */
  readonly thermalThrottlePaths: readonly string[];
}
