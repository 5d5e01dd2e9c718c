/**
 * @module
 * {@link ContainerCgroups} for cgroup v1, also in hybrid mode: one hierarchy per controller (Linux, admin-guide/cgroup-v1).
 * The values of a controller that isn't mounted are 0.
 */
import type { CgroupOf, CgroupUsage, ContainerCgroups, CpuUsage, IoCount, MemoryUsage } from "./cgroup.ts";
import type { CgroupNotices } from "./cgroup_notices.ts";
import { type CgroupFiles, parseAmount, parseFlat, parseNumbers, pidsBelow } from "./cgroup_files.ts";

/** cpuacct.stat counts in ticks of 1/100 s: USER_HZ is 100 on every architecture that Deno supports. */
const NS_PER_TICK = 10_000_000;
/** The kernel shows "no limit" as the largest multiple of the page size below 2^63, far above any real limit. */
const NO_LIMIT_BYTES = 2 ** 60;
/** Hierarchies to list processes from: each container is in all of them, so the first mounted one suffices. */
const HIERARCHIES = ["pids", "memory", "cpu", "freezer", "devices"];

/** Reads the cgroups of containers in cgroup v1 hierarchies. */
export class CgroupsV1 implements ContainerCgroups {
  readonly #root: string;
  readonly #cgroupOf: CgroupOf;
  readonly #files: CgroupFiles;
  readonly #notices: CgroupNotices;

  /** @param root parent directory of the controllers' mount points, `/sys/fs/cgroup` */
  constructor(root: string, cgroupOf: CgroupOf, files: CgroupFiles, notices: CgroupNotices) {
    this.#root = root;
    this.#cgroupOf = cgroupOf;
    this.#files = files;
    this.#notices = notices;
  }

  async usage(id: string): Promise<CgroupUsage | undefined> {
    const [cpu, memory, current, limit, bytes, operations] = await Promise.all([
      this.#cpu(id),
      this.#memory(id),
      this.#read("pids", id, "pids.current"),
      this.#read("pids", id, "pids.max"),
      this.#io(id, "blkio.throttle.io_service_bytes"),
      this.#io(id, "blkio.throttle.io_serviced"),
    ]);
    if (cpu === undefined && memory === undefined && current === undefined) return undefined;
    const limitValue = parseAmount(limit);
    return {
      cpu: cpu ?? NO_CPU,
      memory: memory ?? NO_MEMORY,
      pids: { current: parseAmount(current), limit: limitValue === Infinity ? 0 : limitValue },
      io: { bytes, operations },
    };
  }

  async pids(id: string): Promise<number[]> {
    for (const tree of HIERARCHIES) {
      const found = await pidsBelow(this.#files, this.#dir(tree, id));
      if (found.length > 0) return found;
    }
    return [];
  }

  oomKills(id: string): number {
    return parseFlat(this.#files.readSync(`${this.#dir("memory", id)}/memory.oom_control`)).oom_kill ?? 0;
  }

  onOom(id: string, callback: () => void): Disposable {
    return this.#notices.eventfd(`${this.#dir("memory", id)}/memory.oom_control`, callback);
  }

  isFrozen(id: string): boolean {
    const state = this.#files.readSync(`${this.#dir("freezer", id)}/freezer.state`)?.trim();
    // FREEZING: some processes still run, but all will stop (Linux, cgroup-v1/freezer-subsystem).
    return state === "FREEZING" || state === "FROZEN";
  }

  thaw(id: string): void {
    this.#files.writeSync(`${this.#dir("freezer", id)}/freezer.state`, "THAWED");
  }

  async #cpu(id: string): Promise<CpuUsage | undefined> {
    const [total, perCpu, times, throttling] = await Promise.all([
      this.#read("cpuacct", id, "cpuacct.usage"),
      this.#read("cpuacct", id, "cpuacct.usage_percpu"),
      this.#read("cpuacct", id, "cpuacct.stat"),
      this.#read("cpu", id, "cpu.stat"),
    ]);
    if (total === undefined) return undefined;
    const { user = 0, system = 0 } = parseFlat(times);
    const { nr_periods = 0, nr_throttled = 0, throttled_time = 0 } = parseFlat(throttling);
    return {
      totalNs: parseAmount(total),
      userNs: user * NS_PER_TICK,
      systemNs: system * NS_PER_TICK,
      perCpuNs: parseNumbers(perCpu),
      periods: nr_periods,
      throttledPeriods: nr_throttled,
      throttledNs: throttled_time,
    };
  }

  async #memory(id: string): Promise<MemoryUsage | undefined> {
    const read = (name: string) => this.#read("memory", id, `memory.${name}`);
    const [usage, maxUsage, limit, failures, stats] = await Promise.all([
      read("usage_in_bytes"),
      read("max_usage_in_bytes"),
      read("limit_in_bytes"),
      read("failcnt"),
      read("stat"),
    ]);
    if (usage === undefined) return undefined;
    const limitBytes = parseAmount(limit);
    return {
      usageBytes: parseAmount(usage),
      maxUsageBytes: parseAmount(maxUsage),
      limitBytes: limitBytes >= NO_LIMIT_BYTES ? Infinity : limitBytes,
      failures: parseAmount(failures),
      stats: parseFlat(stats),
    };
  }

  /** Older kernels lack the file that includes descendants. */
  async #io(id: string, name: string): Promise<IoCount[]> {
    const text = await this.#read("blkio", id, `${name}_recursive`) ?? await this.#read("blkio", id, name);
    return parseIo(text);
  }

  #read(controller: string, id: string, name: string): Promise<string | undefined> {
    return this.#files.read(`${this.#dir(controller, id)}/${name}`);
  }

  #dir(controller: string, id: string): string {
    return `${this.#root}/${controller}/${this.#cgroupOf(id)}`;
  }
}

const NO_CPU: CpuUsage = { totalNs: 0, userNs: 0, systemNs: 0, periods: 0, throttledPeriods: 0, throttledNs: 0 };
const NO_MEMORY: MemoryUsage = { usageBytes: 0, limitBytes: Infinity, failures: 0, stats: {} };

/** Parses `8:0 Read 4096` lines; skips the total over all devices. */
function parseIo(text = ""): IoCount[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op,
    value: Number(value),
  }));
}
