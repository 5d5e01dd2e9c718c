/** Mounts that a killed engine left somewhere below a folder, which nothing may be deleted through. */
import { MNT, mounts } from "../../sys/mod.ts";

/** Detaches all of them, the innermost first. @throws {SysError} */
export function detachMountsBelow(folder: string): void {
  const points = Deno.readTextFileSync("/proc/self/mountinfo").split("\n").map(mountPoint);
  for (const point of points.reverse()) {
    if (point.startsWith(`${folder}/`)) mounts.umount2(point, MNT.NOFOLLOW | MNT.DETACH);
  }
}

/** Field 5 of proc_pid_mountinfo(5), in which blanks and the like are octal. */
const mountPoint = (line: string): string =>
  (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
