/** Ticks a second in /proc (USER_HZ): 100 on every architecture that Deno runs on. */
const TICKS_PER_SECOND = 100;

/**
 * How long ago this process was started, in ms, the shell that the portable form begins as included (it becomes Deno by
 * exec). The kernel tells both times in steps of 10 ms, so this is known to ±10 ms, and on average exactly.
 */
export const processAgeMs = (): number => Math.max(performance.now(), ageOfProcessMs("self"));

/** The same of any process. */
export function ageOfProcessMs(pid: number | "self"): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const upSeconds = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
  return Math.max(0, ageMs(stat, upSeconds));
}

/** From /proc/PID/stat, whose field 22 is the start in ticks since boot; a program's name in it may have blanks. */
export function ageMs(stat: string, upSeconds: number): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (upSeconds - Number(fields[19]) / TICKS_PER_SECOND) * 1000;
}
