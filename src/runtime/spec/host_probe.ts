/**
 * @module
 * Reads {@link HostInfo} from `/proc` and `/sys` when the engine starts.
 */
import { CAPABILITY_NUMBERS } from "./capabilities.ts";
import type { CgroupFeature, HostInfo } from "./host.ts";
import { type ConfigFiles, kernelConfig, runsX32 } from "./kernel_config.ts";
import { DEFAULT_NET_SYSCTLS } from "./namespaces.ts";
import { kernelAtLeast } from "./seccomp/resolve.ts";

/** Access to the files that the probe reads. */
export interface HostFiles extends ConfigFiles {
  exists(path: string): Promise<boolean>;
  /** Returns the names in a directory; none if it is missing. */
  list(path: string): Promise<readonly string[]>;
}

const CGROUP = "/sys/fs/cgroup";
const SYS_RESOURCE = 1n << BigInt(CAPABILITY_NUMBERS.get("CAP_SYS_RESOURCE")!);
const MOUNT_SETATTR_SINCE = [5, 12] as const;

/** For each feature, a file that exists if the machine supports it (cgroup v1). */
const V1_FEATURES: readonly (readonly [CgroupFeature, string])[] = [
  ["memory", "memory/memory.limit_in_bytes"],
  ["swap", "memory/memory.memsw.limit_in_bytes"],
  ["memoryReservation", "memory/memory.soft_limit_in_bytes"],
  ["memorySwappiness", "memory/memory.swappiness"],
  ["oomKillDisable", "memory/memory.oom_control"],
  ["cpuShares", "cpu/cpu.shares"],
  ["cpuQuota", "cpu/cpu.cfs_quota_us"],
  ["cpuset", "cpuset/cpuset.cpus"],
  ["pids", "pids"],
  ["blkioReadBps", "blkio/blkio.throttle.read_bps_device"],
  ["blkioWriteBps", "blkio/blkio.throttle.write_bps_device"],
  ["blkioReadIops", "blkio/blkio.throttle.read_iops_device"],
  ["blkioWriteIops", "blkio/blkio.throttle.write_iops_device"],
  // The weight file has a different name with the BFQ scheduler.
  ["blkioWeight", "blkio/blkio.weight"],
  ["blkioWeight", "blkio/blkio.bfq.weight"],
  ["blkioWeightDevice", "blkio/blkio.weight_device"],
  ["blkioWeightDevice", "blkio/blkio.bfq.weight_device"],
];

/** The features of each controller (cgroup v2). */
const V2_FEATURES: Readonly<Record<string, readonly CgroupFeature[]>> = {
  memory: ["memory", "memoryReservation"],
  cpu: ["cpuShares", "cpuQuota"],
  cpuset: ["cpuset"],
  pids: ["pids"],
  io: ["blkioWeight", "blkioWeightDevice", "blkioReadBps", "blkioWriteBps", "blkioReadIops", "blkioWriteIops"],
};

/** Lines of `/proc/PID/limits` by `--ulimit` name. */
const LIMIT_LINES: Readonly<Record<string, string>> = {
  "Max cpu time": "cpu",
  "Max file size": "fsize",
  "Max data size": "data",
  "Max stack size": "stack",
  "Max core file size": "core",
  "Max resident set": "rss",
  "Max processes": "nproc",
  "Max open files": "nofile",
  "Max locked memory": "memlock",
  "Max file locks": "locks",
  "Max pending signals": "sigpending",
  "Max msgqueue size": "msgqueue",
  "Max nice priority": "nice",
  "Max realtime priority": "rtprio",
  "Max realtime timeout": "rttime",
};

/** Reads the properties of this machine and the privileges of this process. */
export async function probeHost(files: HostFiles = HOST_FILES, system = deno()): Promise<HostInfo> {
  const status = await files.read("/proc/self/status") ?? "";
  const cgroupVersion = await files.exists(`${CGROUP}/cgroup.controllers`) ? 2 : 1;
  const boundingCapabilities = BigInt(`0x${field(status, "CapBnd") ?? "0"}`);
  const unlimited = (boundingCapabilities & SYS_RESOURCE) !== 0n;
  const config = system.arch === "x86_64" ? await kernelConfig(system.kernel, files) : undefined;
  const cpuset = cgroupVersion === 2 ? [CGROUP, ".effective"] : [`${CGROUP}/cpuset`, ""];
  return {
    ...system,
    seccomp: field(status, "Seccomp") !== undefined,
    x32: runsX32(system.arch, config, await files.read("/proc/cmdline") ?? ""),
    cgroupVersion,
    cgroupFeatures: new Set(await (cgroupVersion === 2 ? featuresV2(files) : featuresV1(files))),
    cgroupNamespaces: await files.exists("/proc/self/ns/cgroup"),
    appArmor: (await line(files, "/sys/module/apparmor/parameters/enabled")) === "Y",
    boundingCapabilities,
    lastCapability: Number(await line(files, "/proc/sys/kernel/cap_last_cap") ?? CAPABILITY_NUMBERS.size - 1),
    rlimitHardCaps: await hardCaps(files, unlimited),
    oomScoreAdjMin: unlimited ? -1000 : Number(await line(files, "/proc/self/oom_score_adj") ?? 0),
    cpuCount: countOf(field(status, "Cpus_allowed_list") ?? "0"),
    cpusetCpus: await line(files, `${cpuset[0]}/cpuset.cpus${cpuset[1]}`) ?? "",
    cpusetMems: await line(files, `${cpuset[0]}/cpuset.mems${cpuset[1]}`) ?? "",
    recursiveReadOnly: kernelAtLeast(system.kernel, MOUNT_SETATTR_SINCE),
    netSysctls: await filterExisting(files, DEFAULT_NET_SYSCTLS, (name) => `/proc/sys/${name.replaceAll(".", "/")}`),
    thermalThrottlePaths: await thermalThrottlePaths(files),
  };
}

/** Parses the hard limits in `/proc/PID/limits`, by `--ulimit` name. Unlimited ones are omitted. */
export function parseHardLimits(limits: string): Record<string, bigint> {
  const found: Record<string, bigint> = {};
  for (const text of limits.split("\n")) {
    const [, title, hard] = /^(Max [a-z ]+?) {2,}\S+ +(\S+)/.exec(text) ?? [];
    if (title !== undefined && hard !== "unlimited" && LIMIT_LINES[title]) found[LIMIT_LINES[title]] = BigInt(hard);
  }
  return found;
}

/** Returns the hard limits that can't be raised. `fs.nr_open` bounds open files even with CAP_SYS_RESOURCE. */
async function hardCaps(files: HostFiles, unlimited: boolean): Promise<Record<string, bigint>> {
  const caps = unlimited ? {} : parseHardLimits(await files.read("/proc/self/limits") ?? "");
  const openFiles = await line(files, "/proc/sys/fs/nr_open");
  if (openFiles === undefined) return caps;
  const max = BigInt(openFiles);
  return { ...caps, nofile: caps.nofile !== undefined && caps.nofile < max ? caps.nofile : max };
}

async function featuresV1(files: HostFiles): Promise<CgroupFeature[]> {
  const found = await filterExisting(files, V1_FEATURES, ([, file]) => `${CGROUP}/${file}`);
  return found.map(([feature]) => feature);
}

async function featuresV2(files: HostFiles): Promise<CgroupFeature[]> {
  const controllers = (await line(files, `${CGROUP}/cgroup.controllers`) ?? "").split(" ");
  const features = controllers.flatMap((controller) => V2_FEATURES[controller] ?? []);
  // The root cgroup has no such file, so check the engine's cgroup.
  const cgroup = /^0::(\/.*)$/m.exec(await files.read("/proc/self/cgroup") ?? "")?.[1] ?? "/";
  return await files.exists(`${CGROUP}${cgroup}/memory.swap.max`) ? [...features, "swap"] : features;
}

async function thermalThrottlePaths(files: HostFiles): Promise<string[]> {
  const dir = "/sys/devices/system/cpu";
  const processors = (await files.list(dir)).filter((name) => /^cpu\d+$/.test(name));
  processors.sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  return await filterExisting(files, processors.map((name) => `${dir}/${name}/thermal_throttle`), (path) => path);
}

async function filterExisting<T>(files: HostFiles, items: readonly T[], path: (item: T) => string): Promise<T[]> {
  const exists = await Promise.all(items.map((item) => files.exists(path(item))));
  return items.filter((_, i) => exists[i]);
}

async function line(files: HostFiles, path: string): Promise<string | undefined> {
  return (await files.read(path))?.trim();
}

const field = (status: string, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];

/** Returns the number of members of a list such as `0-3,5`. */
function countOf(list: string): number {
  return list.split(",").reduce((sum, part) => {
    const [first, last = first] = part.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

const deno = () => ({ arch: Deno.build.arch as string, kernel: Deno.osRelease() });

/** The files of this machine. */
const HOST_FILES: HostFiles = {
  read: (path) => ifExists(() => Deno.readTextFile(path), undefined),
  readBytes: (path) => ifExists(() => Deno.readFile(path), undefined),
  exists: (path) => ifExists(() => Deno.stat(path).then(() => true), false),
  list: (path) => ifExists(() => Array.fromAsync(Deno.readDir(path), (entry) => entry.name), []),
};

async function ifExists<T>(read: () => Promise<T>, missing: T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return missing;
    throw error;
  }
}
