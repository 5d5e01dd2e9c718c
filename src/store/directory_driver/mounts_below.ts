/** Mounts that a killed engine left below a directory. Nothing may be deleted through them. */
import { MNT, mounts } from "../../sys/mod.ts";

/** Detaches all mounts below `dir`, the innermost first. @throws {SysError} */
export function detachMountsBelow(dir: string): void {
  for (const point of mountPoints().reverse()) {
    if (point.startsWith(`${dir}/`)) mounts.umount2(point, MNT.NOFOLLOW | MNT.DETACH);
  }
}

/** Returns whether something is mounted on exactly this path. */
export const isMountPoint = (path: string): boolean => mountPoints().includes(path);

const mountPoints = (): string[] => Deno.readTextFileSync("/proc/self/mountinfo").split("\n").map(mountPoint);

/** Field 5 of proc_pid_mountinfo(5), in which spaces and the like are octal escapes. */
const mountPoint = (line: string): string =>
  (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
