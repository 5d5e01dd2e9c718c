import type { BlkioStatEntry, ContainerStats, CpuStats, MemoryStats } from "../../api_types/mod.ts";
import { humanBinarySize, humanSize } from "../../cli/mod.ts";
import { type ListView, shortId } from "../formatter/list_format.ts";

export type StatsField =
  | "BlockIO"
  | "CPUPerc"
  | "Container"
  | "ID"
  | "MemPerc"
  | "MemUsage"
  | "Name"
  | "NetIO"
  | "PIDs";

export const STATS_VIEW: ListView<StatsField> = {
  typeName: "*container.statsContext",
  titles: {
    BlockIO: "BLOCK I/O",
    CPUPerc: "CPU %",
    Container: "CONTAINER",
    ID: "CONTAINER ID",
    MemPerc: "MEM %",
    MemUsage: "MEM USAGE / LIMIT",
    Name: "NAME",
    NetIO: "NET I/O",
    PIDs: "PIDS",
  },
  columns: ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"],
};

/**
 * Returns a row, computed as in docker, with the fields in the order of its JSON.
 * @param requested the name by which the container was requested
 */
export function statsRow(requested: string, stats: ContainerStats, full: boolean): Record<StatsField, string> {
  const networks = Object.values(stats.networks ?? {});
  const [read, written] = blockBytes(stats.blkio_stats.io_service_bytes_recursive ?? []);
  const used = usedBytes(stats.memory_stats);
  const { limit = 0 } = stats.memory_stats;
  return {
    BlockIO: pair(read, written),
    CPUPerc: percent(cpuShare(stats.cpu_stats, stats.precpu_stats)),
    Container: requested,
    ID: full ? stats.id : shortId(stats.id),
    MemPerc: percent(limit === 0 ? 0 : used / limit),
    MemUsage: `${humanBinarySize(used)} / ${humanBinarySize(limit)}`,
    Name: stats.name.replace(/^\//, ""),
    NetIO: pair(sum(networks.map(({ rx_bytes }) => rx_bytes)), sum(networks.map(({ tx_bytes }) => tx_bytes))),
    PIDs: String(stats.pids_stats.current ?? 0),
  };
}

/** Returns the row of a container that has no sample yet. */
export function blankRow(requested: string): Record<StatsField, string> {
  const [none, pairOfNone] = ["--", "-- / --"];
  const shown = { Container: requested, ID: requested, Name: none, NetIO: none, PIDs: none };
  return { BlockIO: none, CPUPerc: none, ...shown, MemPerc: none, MemUsage: pairOfNone };
}

/** Returns the container's CPU usage between two samples, in CPUs. */
function cpuShare(now: CpuStats, before: CpuStats): number {
  const containerUsage = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpuCount = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0);
  return containerUsage > 0 && all > 0 ? containerUsage / all * cpuCount : 0;
}

/** Returns the memory usage in bytes without the inactive file cache, which the kernel reclaims first. */
function usedBytes({ usage = 0, stats = {} }: MemoryStats): number {
  const cache = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return cache < usage ? usage - cache : usage;
}

function blockBytes(entries: readonly BlkioStatEntry[]): [read: number, written: number] {
  const of = (letter: string) => entries.filter(({ op }) => op.toLowerCase().startsWith(letter));
  return [sum(of("r").map(({ value }) => value)), sum(of("w").map(({ value }) => value))];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const pair = (a: number, b: number): string => `${humanSize(a, 3)} / ${humanSize(b, 3)}`;
const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
