/** CPU times in nanoseconds since the container started. */
export interface CpuStats {
  cpu_usage: {
    total_usage: number;
    /** Per CPU; cgroup version 1 only. */
    percpu_usage?: readonly number[];
    usage_in_kernelmode: number;
    usage_in_usermode: number;
  };
  /** Time of the whole host on all CPUs; missing if the container isn't running. */
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

/** Empty if the container isn't running. */
export interface MemoryStats {
  /** Bytes. */
  usage?: number;
  max_usage?: number;
  /** The kernel's memory.stat; the keys depend on the cgroup version. */
  stats?: Readonly<Record<string, number>>;
  failcnt?: number;
  /** Bytes; the host's memory if the container has no limit. */
  limit?: number;
}

export interface BlkioStatEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

/** Null: not counted. */
export interface BlkioStats {
  io_service_bytes_recursive: readonly BlkioStatEntry[] | null;
  io_serviced_recursive: readonly BlkioStatEntry[] | null;
  io_queue_recursive: null;
  io_service_time_recursive: null;
  io_wait_time_recursive: null;
  io_merged_recursive: null;
  io_time_recursive: null;
  sectors_recursive: null;
}

export interface NetworkStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** A line of `GET /containers/{id}/stats`. */
export interface ContainerStats {
  /** With a leading slash. */
  name: string;
  id: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` is never. */
  read: string;
  /** When `precpu_stats` was read. */
  preread: string;
  pids_stats: { current?: number; limit?: number };
  blkio_stats: BlkioStats;
  num_procs: number;
  storage_stats: Record<string, never>;
  cpu_stats: CpuStats;
  precpu_stats: CpuStats;
  memory_stats: MemoryStats;
  /** By interface; `{}` for containers without a network namespace of their own. */
  networks: Readonly<Record<string, NetworkStats>>;
}
