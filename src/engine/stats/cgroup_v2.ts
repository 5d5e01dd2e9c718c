/**
 * @module
 * {@link ContainerCgroups} for cgroup v2: one unified hierarchy (Linux, admin-guide/cgroup-v2).
 */
import type { CgroupOf, CgroupUsage, ContainerCgroups, IoCount } from "./cgroup.ts";
import type { CgroupNotices } from "./cgroup_notices.ts";
import { type CgroupFiles, parseAmount, parseFlat, pidsBelow } from "./cgroup_files.ts";

const NS_PER_US = 1000;

/** Reads the cgroups of containers in the cgroup v2 hierarchy. */
export class CgroupsV2 implements ContainerCgroups {
  readonly #root: string;
  readonly #cgroupOf: CgroupOf;
  readonly #files: CgroupFiles;
  readonly #notices: CgroupNotices;

  /** @param root mount point of the hierarchy, `/sys/fs/cgroup` */
  constructor(root: string, cgroupOf: CgroupOf, files: CgroupFiles, notices: CgroupNotices) {
    this.#root = root;
    this.#cgroupOf = cgroupOf;
    this.#files = files;
    this.#notices = notices;
  }

  async usage(id: string): Promise<CgroupUsage | undefined> {
    const names = ["cpu.stat", "memory.current", "memory.max", "memory.stat", "memory.events"] as const;
    const [cpuStat, current, limit, stats, events] = await Promise.all(names.map((name) => this.#read(id, name)));
    const more = ["pids.current", "pids.max", "io.stat"] as const;
    const [tasks, mostTasks, io] = await Promise.all(more.map((name) => this.#read(id, name)));
    // cpu.stat exists regardless of the enabled controllers.
    if (cpuStat === undefined) return undefined;
    const cpu = parseFlat(cpuStat);
    const tasksLimit = parseAmount(mostTasks);
    return {
      cpu: {
        totalNs: (cpu.usage_usec ?? 0) * NS_PER_US,
        userNs: (cpu.user_usec ?? 0) * NS_PER_US,
        systemNs: (cpu.system_usec ?? 0) * NS_PER_US,
        periods: cpu.nr_periods ?? 0,
        throttledPeriods: cpu.nr_throttled ?? 0,
        throttledNs: (cpu.throttled_usec ?? 0) * NS_PER_US,
      },
      memory: {
        usageBytes: parseAmount(current),
        limitBytes: limit === undefined ? Infinity : parseAmount(limit),
        failures: parseFlat(events).oom ?? 0,
        stats: parseFlat(stats),
      },
      pids: { current: parseAmount(tasks), limit: tasksLimit === Infinity ? 0 : tasksLimit },
      io: parseIo(io),
    };
  }

  pids(id: string): Promise<number[]> {
    return pidsBelow(this.#files, this.#dir(id));
  }

  oomKills(id: string): number {
    return parseFlat(this.#files.readSync(`${this.#dir(id)}/memory.events`)).oom_kill ?? 0;
  }

  onOom(id: string, callback: () => void): Disposable {
    return this.#notices.poll(`${this.#dir(id)}/memory.events`, callback);
  }

  isFrozen(id: string): boolean {
    return this.#files.readSync(`${this.#dir(id)}/cgroup.freeze`)?.trim() === "1";
  }

  thaw(id: string): void {
    this.#files.writeSync(`${this.#dir(id)}/cgroup.freeze`, "0");
  }

  #dir(id: string): string {
    return `${this.#root}/${this.#cgroupOf(id)}`;
  }

  #read(id: string, name: string): Promise<string | undefined> {
    return this.#files.read(`${this.#dir(id)}/${name}`);
  }
}

/** Parses `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …` lines. */
function parseIo(text = ""): CgroupUsage["io"] {
  const bytes: IoCount[] = [];
  const operations: IoCount[] = [];
  for (const line of text.split("\n")) {
    const device = /^(\d+):(\d+) /.exec(line);
    if (device === null) continue;
    const [major, minor] = [Number(device[1]), Number(device[2])];
    const value = (key: string) => Number(new RegExp(` ${key}=(\\d+)`).exec(line)?.[1] ?? 0);
    bytes.push({ major, minor, op: "read", value: value("rbytes") });
    bytes.push({ major, minor, op: "write", value: value("wbytes") });
    operations.push({ major, minor, op: "read", value: value("rios") });
    operations.push({ major, minor, op: "write", value: value("wios") });
  }
  return { bytes, operations };
}
