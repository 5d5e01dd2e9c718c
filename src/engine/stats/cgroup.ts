/**
 * @module
 * What the kernel counts for one container: the port to its cgroups, in shapes that both cgroup versions can fill. A value
 * that a machine doesn't count is 0, an empty list or missing; a container without cgroups is `undefined`.
 */

/** Processor time since the container started. */
export interface CpuUsage {
  readonly totalNs: number;
  readonly userNs: number;
  readonly systemNs: number;
  /** By processor; version 1 only. */
  readonly perCpuNs?: readonly number[];
  /** Periods in which it had a quota, those in which that was used up, and the time it waited for the next. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
}

export interface MemoryUsage {
  readonly usageBytes: number;
  /** Version 1 only. */
  readonly maxUsageBytes?: number;
  /** Infinity without a limit. */
  readonly limitBytes: number;
  /** How often the limit was hit. */
  readonly failures: number;
  /** The lines of memory.stat. */
  readonly stats: Readonly<Record<string, number>>;
}

/** Bytes or operations of one kind on one block device. */
export interface IoCount {
  readonly major: number;
  readonly minor: number;
  /** `read`, `write`, and in version 1 `Read`, `Sync`, `Total` …, as the kernel calls it. */
  readonly op: string;
  readonly value: number;
}

export interface CgroupUsage {
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  /** Processes and threads; a limit of 0 is none. */
  readonly pids: { readonly current: number; readonly limit: number };
  readonly io: { readonly bytes: readonly IoCount[]; readonly operations: readonly IoCount[] };
}

/** Where a container's cgroup is, without a leading slash, by its id. */
export type CgroupOf = (id: string) => string;

/** The cgroups of an engine's containers, by container id. */
export interface ContainerCgroups {
  usage(id: string): Promise<CgroupUsage | undefined>;
  /** All processes, those in cgroups below too; none without cgroups. */
  pids(id: string): Promise<number[]>;
  /** How many processes the kernel has killed there for want of memory. */
  oomKills(id: string): number;
  /** Calls back when the kernel may have killed; a kernel that can't tell stays silent. */
  onOom(id: string, callback: () => void): Disposable;
  /** Whether its processes are frozen. */
  isFrozen(id: string): boolean;
  /** Lets its processes go on, without the runtime. Nothing happens without a cgroup. */
  thaw(id: string): void;
}
