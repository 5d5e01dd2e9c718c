/**
 * @module
 * What the generator has to know of the machine: read once when the engine starts, handed in as plain values, so that
 * generating stays a pure function.
 */

/** Limits and knobs that the cgroup file systems of this machine really offer. */
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

/** Facts about this machine and about what the engine may do on it. */
export interface HostInfo {
  /** Deno's name: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** Release, as `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** Whether the kernel can filter system calls. */
  readonly seccomp: boolean;
  /** Whether it runs x32 programs, or may. */
  readonly x32: boolean;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupFeatures: ReadonlySet<CgroupFeature>;
  /** Whether a container can have a cgroup namespace of its own. */
  readonly cgroupNamespaces: boolean;
  /** Whether AppArmor is at work. */
  readonly appArmor: boolean;
  /** The engine's bounding set: bit n stands for capability n. */
  readonly boundingCapabilities: bigint;
  /** The highest capability that the kernel knows. */
  readonly lastCapability: number;
  /** Hard limits that can't be raised, by `--ulimit` name; a missing one has no bound. */
  readonly rlimitHardCaps: Readonly<Record<string, bigint>>;
  /** The lowest `oom_score_adj` that a child can be given. */
  readonly oomScoreAdjMin: number;
  /** Processors that the engine may run on. */
  readonly cpuCount: number;
  /** Lists as `0-3,5`; empty when unknown. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  /** Whether a read-only mount can cover the mounts below it (Linux 5.12). */
  readonly recursiveReadOnly: boolean;
  /** Those of Docker's default sysctls that exist here. */
  readonly netSysctls: readonly string[];
  /** Per-processor files to mask, which tell containers of each other's load. */
  readonly thermalThrottlePaths: readonly string[];
}
