/** What the numbers were taken on. No names of hosts or folders: reports are shown around. */
import { capture } from "../../scripts/project.ts";

export interface MachineInfo {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly system: string;
  readonly cgroups: string;
  /** Of the folder that holds all data roots. */
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

/** Load average of the last minute. */
export function load(): number {
  return Deno.loadavg()[0]!;
}

/** "v1", "v2", or "v1 (hybrid)" where both are mounted. */
export function cgroupVersion(mounts: string): string {
  const types = new Set(mounts.split("\n").map((line) => line.split(" ")[2]));
  if (types.has("cgroup")) return types.has("cgroup2") ? "v1 (hybrid)" : "v1";
  return types.has("cgroup2") ? "v2" : "none";
}

/** The type of the file system that holds `path`: the one with the longest mount point above it. */
export function filesystemOf(path: string, mounts: string): string {
  const above = mounts.split("\n").map((line) => line.split(" ")).filter(([, point]) =>
    point !== undefined && (path === point || path.startsWith(point === "/" ? "/" : `${point}/`))
  );
  return above.toSorted((left, right) => left[1]!.length - right[1]!.length).at(-1)?.[2] ?? "unknown";
}
