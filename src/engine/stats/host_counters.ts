/**
 * @module
 * Kernel counters outside cgroups: the host's CPU time and the traffic of a network namespace (proc(5)).
 */
import type { NetworkStats } from "../../api_types/mod.ts";

/** /proc counts in ticks of 1/100 s (USER_HZ). */
const NS_PER_TICK = 10_000_000;
/** user, nice, system, idle, iowait, irq, softirq; the fields after those are included in them. */
const CPU_FIELDS = 7;

/** The host's CPU time, including idle time. */
export interface MachineCpu {
  readonly totalNs: number;
  readonly cpuCount: number;
}

/** Parses /proc/stat. */
export function parseMachineCpu(text: string): MachineCpu {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1].split(" ") ?? [];
  const ticks = fields.slice(0, CPU_FIELDS).reduce((sum, field) => sum + Number(field), 0);
  return { totalNs: ticks * NS_PER_TICK, cpuCount: text.match(/^cpu\d/gm)?.length ?? 0 };
}

/** Parses /proc/PID/net/dev; skips the loopback interface. */
export function parseNetworks(text: string): Record<string, NetworkStats> {
  const found: Record<string, NetworkStats> = {};
  for (const [, name, counters] of text.matchAll(/^ *([^:\s]+):(.*)$/gm)) {
    if (name === "lo") continue;
    const fields = counters.trim().split(/\s+/).map(Number);
    const [rx_bytes, rx_packets, rx_errors, rx_dropped] = fields;
    const [tx_bytes, tx_packets, tx_errors, tx_dropped] = fields.slice(8);
    found[name] = { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
  }
  return found;
}
