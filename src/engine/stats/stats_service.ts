/**
 * @module
 * `docker stats`: what containers use, sample by sample. Each client has its own samples, taken when it can take them, so
 * nobody who is slow makes anything grow.
 */
import type { BlkioStats, ContainerStats, CpuStats, MemoryStats, NetworkStats } from "../../api_types/mod.ts";
import { type Container, isLive } from "../containers/container.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import type { CgroupUsage, ContainerCgroups, CpuUsage, IoCount } from "./cgroup.ts";
import { type MachineCpu, parseMachineCpu, parseNetworks } from "./host_counters.ts";

/** Between two samples, in ms; as Docker's. */
const INTERVAL_MS = 1000;
/** Docker's "never". */
const NEVER = "0001-01-01T00:00:00Z";

export interface StatsDeps {
  readonly table: Pick<ContainerTable, "find" | "has">;
  readonly cgroups: Pick<ContainerCgroups, "usage">;
  readonly memoryBytes: number;
  /** The text of a file of /proc; undefined when its process is gone. */
  readonly readProc: (path: string) => Promise<string | undefined>;
  /** In ms; tests are quicker. */
  readonly intervalMs?: number;
}

export interface StatsOptions {
  /** Sample after sample until the client leaves or the container is removed. */
  readonly stream: boolean;
  /** A single sample, without an earlier one to compare it with. */
  readonly oneShot: boolean;
}

/** See the module's comment. */
export class StatsService {
  readonly #deps: StatsDeps;

  constructor(deps: StatsDeps) {
    this.#deps = deps;
  }

  /** A container that doesn't run has samples without values. @throws {TsdError} container_not_found */
  watch(nameOrId: string, options: StatsOptions, signal: AbortSignal): AsyncIterable<ContainerStats> {
    const container = this.#deps.table.find(nameOrId);
    return options.stream ? this.#samples(container, signal) : this.#once(container, options.oneShot, signal);
  }

  async *#samples(container: Container, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    let before: ContainerStats | undefined;
    while (this.#deps.table.has(container.id)) {
      before = after(before, await this.#sample(container));
      yield before;
      if (!await this.#interval(signal)) return;
    }
  }

  async *#once(container: Container, oneShot: boolean, signal: AbortSignal): AsyncGenerator<ContainerStats> {
    const first = await this.#sample(container);
    if (oneShot || !container.isRunning) return yield first;
    if (!await this.#interval(signal)) return;
    yield after(first, await this.#sample(container));
  }

  async #sample(container: Container): Promise<ContainerStats> {
    const { cgroups, readProc, memoryBytes } = this.#deps;
    const usage = container.isRunning ? await cgroups.usage(container.id) : undefined;
    if (usage === undefined) return nothing(container);
    const machine = parseMachineCpu(await readProc("/proc/stat") ?? "");
    return {
      ...nothing(container),
      read: `${new Date().toISOString().slice(0, -1)}000000Z`,
      pids_stats: given({ current: usage.pids.current, limit: usage.pids.limit }),
      blkio_stats: { ...NO_IO, ...ioStats(usage) },
      cpu_stats: cpuStats(usage.cpu, machine),
      memory_stats: memoryStats(usage, memoryBytes),
      networks: await this.#networks(container),
    };
  }

  /** Containers on the host's network have no traffic of their own. */
  async #networks({ state, record }: Container): Promise<Record<string, NetworkStats>> {
    if (!isLive(state) || record.hostConfig.NetworkMode === "host") return {};
    return parseNetworks(await this.#deps.readProc(`/proc/${state.pid}/net/dev`) ?? "");
  }

  /** False when the client left meanwhile. */
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

const nothing = ({ id, name }: Container): ContainerStats => ({
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

/** A sample with the one before it, from which clients reckon the load. */
const after = (before: ContainerStats | undefined, sample: ContainerStats): ContainerStats =>
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
    ...given({ failcnt: memory.failures }),
    limit: Math.min(memory.limitBytes, machineBytes),
  };
}

function ioStats({ io }: CgroupUsage) {
  const list = (counts: readonly IoCount[]) => counts.length === 0 ? null : counts;
  return { io_service_bytes_recursive: list(io.bytes), io_serviced_recursive: list(io.operations) };
}

/** Docker leaves zeros out here. */
function given<T extends Readonly<Record<string, number>>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)) as Partial<T>;
}
