/** Lists the machine's processes and reads their memory from `/proc`. */
import { processIds, readOrNothing } from "../../tests/harness/host_state.ts";
import type { ProcessInfo } from "../peers/peer.ts";

/** Lists all processes with a readable command line and environment; those of kernel threads are empty. */
export async function processes(): Promise<ProcessInfo[]> {
  const all = await Promise.all((await processIds()).map(async (pid) => {
    const [command, environment] = [await readArgs(`/proc/${pid}/cmdline`), await readArgs(`/proc/${pid}/environ`)];
    return command === undefined || environment === undefined ? [] : [{ pid, command, environment }];
  }));
  return all.flat();
}

/** Returns the sum of the proportional set sizes in MB (10^6); ended processes count as 0. */
export async function proportionalMb(pids: readonly number[]): Promise<number> {
  const rollups = await Promise.all(pids.map((pid) => readOrNothing(`/proc/${pid}/smaps_rollup`)));
  return rollups.reduce((sum, rollup) => sum + proportionalBytes(rollup ?? ""), 0) / 1e6;
}

/** Parses `smaps_rollup`, whose "kB" are KiB (proc(5)). */
export function proportionalBytes(rollup: string): number {
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

/** Returns the sum of the peak resident set sizes since each process' start, in MB (10^6); ended processes count as 0. */
export async function peakMb(pids: readonly number[]): Promise<number> {
  const statuses = await Promise.all(pids.map((pid) => readOrNothing(`/proc/${pid}/status`)));
  return statuses.reduce((sum, status) => sum + peakBytes(status ?? ""), 0) / 1e6;
}

/** Parses `/proc/PID/status`, whose "kB" are KiB (proc(5)). */
export function peakBytes(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function readArgs(path: string): Promise<string | undefined> {
  return (await readOrNothing(path))?.replaceAll("\0", " ");
}
