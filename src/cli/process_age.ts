/** Clock ticks per second in /proc (USER_HZ): 100 on every architecture that Deno supports. */
const TICKS_PER_SECOND = 100;

/**
 * Returns this process's age in ms. It includes the shell as which the portable form starts, because that executes Deno
 * in its own process. The kernel reports both times in steps of 10 ms, so the error is at most ±10 ms and 0 on average.
 */
export const processAgeMs = (): number => Math.max(performance.now(), ageOfProcessMs("self"));

/** Returns the age of any process in ms. */
export function ageOfProcessMs(pid: number | "self"): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const upSeconds = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
  return Math.max(0, ageMs(stat, upSeconds));
}

/**
 * Computes a process's age in ms from its `/proc/PID/stat`: field 22 is the start time in ticks since boot, see proc(5).
 * The program's name in field 2 can contain spaces and parentheses.
 */
export function ageMs(stat: string, upSeconds: number): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (upSeconds - Number(fields[19]) / TICKS_PER_SECOND) * 1000;
}
