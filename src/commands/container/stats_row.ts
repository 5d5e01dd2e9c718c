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

/** One row, with Docker's arithmetic and in the order of its JSON. `asked` is how the container was named. */
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

/** The row of a container of which nothing has been heard. */
export function blankRow(requested: string): Record<StatsField, string> {
  const [none, pairOfNone] = ["--", "-- / --"];
  const shown = { Container: requested, ID: requested, Name: none, NetIO: none, PIDs: none };
  return { BlockIO: none, CPUPerc: none, ...shown, MemPerc: none, MemUsage: pairOfNone };
}

/** Processors that were busy for it between the two samples: 1 is one of them. */
function cpuShare(now: CpuStats, before: CpuStats): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpuCount = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0);
  return own > 0 && all > 0 ? own / all * cpuCount : 0;
}

/** Without the file cache that the kernel would give up first. */
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
