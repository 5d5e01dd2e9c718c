/** Describes the machine of a benchmark, without names of hosts or directories, as reports are published. */
import { capture } from "../../scripts/project.ts";

export interface MachineInfo {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly system: string;
  readonly cgroups: string;
  /** Type of the file system of all data roots. */
  readonly filesystem: string;
  readonly deno: string;
  readonly runc: string;
}

export async function machineInfo(): Promise<MachineInfo> {
  const read = (path: string) => Deno.readTextFile(path);
  const memory = /^MemTotal: +(\d+) kB/m.exec(await read("/proc/meminfo"))?.[1] ?? "0";
  const mounts = await read("/proc/self/mounts");
  const { text: runc } = await capture("runc", ["--version"]);
  return {
    cores: navigator.hardwareConcurrency,
    processor: /^model name\s*: (.*)$/m.exec(await read("/proc/cpuinfo"))?.[1] ?? "unknown",
    memoryGb: Math.round(Number(memory) * 1024 / 1e9),
    kernel: /^[\d.]*\d/.exec(Deno.osRelease())?.[0] ?? "unknown",
    system: /^PRETTY_NAME="(.*)"$/m.exec(await read("/etc/os-release"))?.[1] ?? "Linux",
    cgroups: cgroupVersion(mounts),
    filesystem: filesystemOf(await Deno.realPath(Deno.env.get("TMPDIR") ?? "/tmp"), mounts),
    deno: Deno.version.deno,
    runc: /version (\S+)/.exec(runc)?.[1] ?? "unknown",
  };
}

/** Returns the load average of the last minute. */
export function load(): number {
  return Deno.loadavg()[0]!;
}

/** Returns "v1", "v2", "v1 (hybrid)" if both are mounted, or "none", given the contents of `/proc/mounts`. */
export function cgroupVersion(mounts: string): string {
  const types = new Set(mounts.split("\n").map((line) => line.split(" ")[2]));
  if (types.has("cgroup")) return types.has("cgroup2") ? "v1 (hybrid)" : "v1";
  return types.has("cgroup2") ? "v2" : "none";
}

/** Returns the type of the file system that holds `path`: the one with the longest mount point above it. */
export function filesystemOf(path: string, mounts: string): string {
  const above = mounts.split("\n").map((line) => line.split(" ")).filter(([, point]) =>
    point !== undefined && (path === point || path.startsWith(point === "/" ? "/" : `${point}/`))
  );
  return above.toSorted((left, right) => left[1]!.length - right[1]!.length).at(-1)?.[2] ?? "unknown";
}
