/**
 * @module
 * `docker stats`: samples of containers' resource usage. Samples are taken per client, when it reads them, so a slow client
 * cannot make a buffer grow.
 */
import type { BlkioStats, ContainerStats, CpuStats, MemoryStats, NetworkStats } from "../../api_types/mod.ts";
import { type Container, isLive } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { CgroupUsage, ContainerCgroups, CpuUsage, IoCount } from "./cgroup.ts";
import { type MachineCpu, parseMachineCpu, parseNetworks } from "./host_counters.ts";

/** Interval between two samples, in ms; Docker's. */
const INTERVAL_MS = 1000;
/** Go's zero time, Docker's value for "never". */
const NEVER = "0001-01-01T00:00:00Z";

export interface StatsDeps {
  readonly table: Pick<ContainerTable, "find" | "has">;
  readonly cgroups: Pick<ContainerCgroups, "usage">;
  readonly memoryBytes: number;
  /** Reads a file of /proc; undefined if its process has exited. */
  readonly readProc: (path: string) => Promise<string | undefined>;
  /** Interval between two samples, in ms; default 1000. */
  readonly intervalMs?: number;
}

export interface StatsOptions {
  /** Takes samples until the client disconnects or the container is removed. */
  readonly stream: boolean;
  /** Takes a single sample, without a previous one for comparison. */
  readonly oneShot: boolean;
}

/** Samples the resource usage of containers. */
export class StatsService {
  readonly #deps: StatsDeps;

  constructor(deps: StatsDeps) {
    this.#deps = deps;
  }

  /** Returns samples of a container; they are empty while it doesn't run. @throws {TsdError} container_not_found */
  watch(nameOrId: string, options: StatsOptions, signal: AbortSignal): AsyncIterable<ContainerStats> {
    const container = this.#deps.table.find(nameOrId);
    return options.stream ? this.#samples(container, signal) : this.#once(container, options.oneShot, signal);
  }

  async *#samples(container: Container, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    let before: ContainerStats | undefined;
    while (this.#deps.table.has(container.id)) {
      before = withPrevious(before, await this.#sample(container));
      yield before;
      if (!await this.#interval(signal)) return;
    }
  }

  async *#once(container: Container, oneShot: boolean, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    const first = await this.#sample(container);
    if (oneShot || !container.isRunning) return yield first;
    if (!await this.#interval(signal)) return;
    yield withPrevious(first, await this.#sample(container));
  }

  async #sample(container: Container): Promise<ContainerStats> {
    const { cgroups, readProc, memoryBytes } = this.#deps;
    const usage = container.isRunning ? await cgroups.usage(container.id) : undefined;
    if (usage === undefined) return emptySample(container);
    const machine = parseMachineCpu(await readProc("/proc/stat") ?? "");
    return {
      ...emptySample(container),
      read: `${new Date().toISOString().slice(0, -1)}000000Z`,
      pids_stats: withoutZeros({ current: usage.pids.current, limit: usage.pids.limit }),
      blkio_stats: { ...NO_IO, ...ioStats(usage) },
      cpu_stats: cpuStats(usage.cpu, machine),
      memory_stats: memoryStats(usage, memoryBytes),
      networks: await this.#networks(container),
    };
  }

  /** Returns the traffic of the container's network namespace; empty with the host's network. */
  async #networks({ state, record }: Container): Promise<Record<string, NetworkStats>> {
    if (!isLive(state) || record.hostConfig.NetworkMode === "host") return {};
    return parseNetworks(await this.#deps.readProc(`/proc/${state.pid}/net/dev`) ?? "");
  }

  /** Waits for the next sample; resolves to false if the client disconnects first. */
  async #interval(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const over = Promise.withResolvers<void>();
    const end = () => over.resolve();
    const timer = setTimeout(end, this.#deps.intervalMs ?? INTERVAL_MS);
    signal.addEventListener("abort", end);
    await over.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    return !signal.aborted;
  }
}

const NO_CPU: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const NO_IO: BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

const emptySample = ({ id, name }: Container): ContainerStats => ({
  name: `/${name}`,
  id,
  read: NEVER,
  preread: NEVER,
  pids_stats: {},
  blkio_stats: NO_IO,
  num_procs: 0,
  storage_stats: {},
  cpu_stats: NO_CPU,
  precpu_stats: NO_CPU,
  memory_stats: {},
  networks: {},
});

/** Adds the previous sample's values, from which clients compute the CPU usage. */
const withPrevious = (before: ContainerStats | undefined, sample: ContainerStats): ContainerStats =>
  before === undefined ? sample : { ...sample, preread: before.read, precpu_stats: before.cpu_stats };

function cpuStats(cpu: CpuUsage, machine: MachineCpu): CpuStats {
  return {
    cpu_usage: {
      total_usage: cpu.totalNs,
      ...(cpu.perCpuNs === undefined ? {} : { percpu_usage: cpu.perCpuNs }),
      usage_in_kernelmode: cpu.systemNs,
      usage_in_usermode: cpu.userNs,
    },
    system_cpu_usage: machine.totalNs,
    online_cpus: machine.cpuCount,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledNs,
    },
  };
}

function memoryStats({ memory }: CgroupUsage, machineBytes: number): MemoryStats {
  return {
    usage: memory.usageBytes,
    ...(memory.maxUsageBytes === undefined ? {} : { max_usage: memory.maxUsageBytes }),
    stats: memory.stats,
    ...withoutZeros({ failcnt: memory.failures }),
    limit: Math.min(memory.limitBytes, machineBytes),
  };
}

function ioStats({ io }: CgroupUsage) {
  const list = (counts: readonly IoCount[]) => counts.length === 0 ? null : counts;
  return { io_service_bytes_recursive: list(io.bytes), io_serviced_recursive: list(io.operations) };
}

/** Omits zeros, as Docker does here. */
function withoutZeros<T extends Readonly<Record<string, number>>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)) as Partial<T>;
}
