/** What the numbers were taken on. No names of hosts or folders: reports are shown around. */
import { capture } from "../../scripts/project.ts";

export interface MachineFacts {
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

export async function machineFacts(): Promise<MachineFacts> {
  const read = (path: string) => Deno.readTextFile(path);
  const memory = /^MemTotal: +(\d+) kB/m.exec(await read("/proc/meminfo"))?.[1] ?? "0";
  const { text: runc } = await capture("runc", ["--version"]);
  return {
    cores: navigator.hardwareConcurrency,
    processor: /^model name\s*: (.*)$/m.exec(await read("/proc/cpuinfo"))?.[1] ?? "unknown",
    memoryGb: Math.round(Number(memory) * 1024 / 1e9),
    kernel: Deno.osRelease(),
    system: /^PRETTY_NAME="(.*)"$/m.exec(await read("/etc/os-release"))?.[1] ?? "Linux",
    cgroups: cgroupVersion(await read("/proc/self/mounts")),
    filesystem: await temporaryFilesystem(),
    deno: Deno.version.deno,
    runc: /version (\S+)/.exec(runc)?.[1] ?? "unknown",
  };
}

/** Load average of the last minute. */
export function load(): number {
  return Deno.loadavg()[0]!;
}

export function cgroupVersion(mounts: string): string {
  const types = new Set(mounts.split("\n").map((line) => line.split(" ")[2]));
  if (types.has("cgroup")) return types.has("cgroup2") ? "v1 (hybrid)" : "v1";
  return types.has("cgroup2") ? "v2" : "none";
}

async function temporaryFilesystem(): Promise<string> {
  const { text } = await capture("stat", ["--file-system", "--format=%T", Deno.env.get("TMPDIR") ?? "/tmp"]);
  return text.trim();
}
