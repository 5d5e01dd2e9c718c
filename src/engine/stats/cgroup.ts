/**
 * @module
 * Resource usage of a container: the interface to its cgroups, in a form that both cgroup versions can provide. A value
 * that the host doesn't account is 0, an empty list or missing; the usage of a container without cgroups is `undefined`.
 */

/** CPU time since the container started. */
export interface CpuUsage {
  readonly totalNs: number;
  readonly userNs: number;
  readonly systemNs: number;
  /** By CPU; cgroup v1 only. */
  readonly perCpuNs?: readonly number[];
  /** Number of enforcement periods with a quota, number of throttled ones, and total throttled time. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
}

export interface MemoryUsage {
  readonly usageBytes: number;
  /** cgroup v1 only. */
  readonly maxUsageBytes?: number;
  /** Infinity if unlimited. */
  readonly limitBytes: number;
  /** Number of times that the limit was hit. */
  readonly failures: number;
  /** The lines of memory.stat. */
  readonly stats: Readonly<Record<string, number>>;
}

/** Bytes or operations of one kind on one block device. */
export interface IoCount {
  readonly major: number;
  readonly minor: number;
  /** The kernel's name: `read` or `write`; in cgroup v1 `Read`, `Sync`, `Total` …. */
  readonly op: string;
  readonly value: number;
}

export interface CgroupUsage {
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  /** Number of processes and threads; a limit of 0 means unlimited. */
  readonly pids: { readonly current: number; readonly limit: number };
  readonly io: { readonly bytes: readonly IoCount[]; readonly operations: readonly IoCount[] };
}

/** Returns a container's cgroup path, without a leading slash, by container id. */
export type CgroupOf = (id: string) => string;

/** The cgroups of an engine's containers, by container id. */
export interface ContainerCgroups {
  /** Reads the current usage. */
  usage(id: string): Promise<CgroupUsage | undefined>;
  /** Lists all processes, including those in child cgroups; none without cgroups. */
  pids(id: string): Promise<number[]>;
  /** Returns the number of processes that the OOM killer has killed. */
  oomKills(id: string): number;
  /** Calls back when the OOM killer may have run; never on kernels without notifications. */
  onOom(id: string, callback: () => void): Disposable;
  /** Returns whether its processes are frozen or are being frozen. */
  isFrozen(id: string): boolean;
  /** Thaws its processes, without the runtime. Does nothing without a cgroup. */
  thaw(id: string): void;
}
