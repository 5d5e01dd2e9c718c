/** Processes of this machine, and what memory they take. */
import { processIds, readOrNothing } from "../../tests/harness/host_state.ts";
import type { ProcessWords } from "../peers/peer.ts";

/** All processes that can be looked into; threads of the kernel have no words. */
export async function processes(): Promise<ProcessWords[]> {
  const all = await Promise.all((await processIds()).map(async (pid) => {
    const [command, environment] = [await words(`/proc/${pid}/cmdline`), await words(`/proc/${pid}/environ`)];
    return command === undefined || environment === undefined ? [] : [{ pid, command, environment }];
  }));
  return all.flat();
}

/** The sum of the proportional set sizes (pages that several share count in parts) in MB (10^6); who has gone counts nothing. */
export async function proportionalMb(pids: readonly number[]): Promise<number> {
  const rollups = await Promise.all(pids.map((pid) => readOrNothing(`/proc/${pid}/smaps_rollup`)));
  return rollups.reduce((sum, rollup) => sum + proportionalBytes(rollup ?? ""), 0) / 1e6;
}

/** From the text of smaps_rollup, which says "kB" and means KiB (proc(5)). */
export function proportionalBytes(rollup: string): number {
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

/** The sum of what each has had resident at most since it was started, in MB (10^6); who has gone counts nothing. */
export async function peakMb(pids: readonly number[]): Promise<number> {
  const statuses = await Promise.all(pids.map((pid) => readOrNothing(`/proc/${pid}/status`)));
  return statuses.reduce((sum, status) => sum + peakBytes(status ?? ""), 0) / 1e6;
}

/** From the text of a process' status, which says "kB" and means KiB (proc(5)). */
export function peakBytes(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function words(path: string): Promise<string | undefined> {
  return (await readOrNothing(path))?.replaceAll("\0", " ");
}
