import { strict as assert } from "node:assert";
import { type HostFiles, parseHardLimits, probeHost } from "./host_probe.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            1024                 20000                files
Max locked memory         8388608              8388608              bytes
Max nice priority         0                    0
`;
const STATUS = (bounding: string) => `Name:\tdeno\nCapBnd:\t${bounding}\nSeccomp:\t0\nCpus_allowed_list:\t0-2,8\n`;
const WITHOUT_SYS_RESOURCE = "000001fffeffffff";
const EVERYTHING = "000001ffffffffff";
const SYSTEM = { arch: "x86_64", kernel: "5.10.0-28-amd64" };

/** Returns a machine that consists of these files. */
function machine(files: Record<string, string>): HostFiles {
  const paths = Object.keys(files);
  return {
    read: (path) => Promise.resolve(files[path]),
    readBytes: () => Promise.resolve(undefined),
    exists: (path) => Promise.resolve(paths.some((file) => file === path || file.startsWith(`${path}/`))),
    list: (path) =>
      Promise.resolve([
        ...new Set(
          paths.filter((file) => file.startsWith(`${path}/`)).map((file) => file.slice(path.length + 1).split("/")[0]),
        ),
      ]),
  };
}

Deno.test("probeHost on cgroup v1 without CAP_SYS_RESOURCE", async () => {
  const files = machine({
    "/proc/self/status": STATUS(WITHOUT_SYS_RESOURCE),
    "/proc/self/limits": LIMITS,
    "/proc/self/oom_score_adj": "100\n",
    "/proc/sys/kernel/cap_last_cap": "40\n",
    "/proc/sys/fs/nr_open": "1048576\n",
    "/proc/sys/net/ipv4/ip_unprivileged_port_start": "1024\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "1",
    "/sys/fs/cgroup/cpu/cpu.shares": "1024",
    "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-7\n",
    "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
    "/sys/fs/cgroup/pids/tasks": "",
    "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device": "",
    "/sys/fs/cgroup/blkio/blkio.bfq.weight": "100",
    "/proc/self/ns/cgroup": "",
    "/sys/module/apparmor/parameters/enabled": "Y\n",
    "/sys/fs/cgroup/unified/cgroup.controllers": "",
    "/sys/devices/system/cpu/cpu10/thermal_throttle/count": "0",
    "/sys/devices/system/cpu/cpu2/thermal_throttle/count": "0",
    "/sys/devices/system/cpu/cpu3/topology/x": "0",
    "/sys/devices/system/cpu/cpuidle/thermal_throttle/x": "0",
  });
  assert.deepEqual(await probeHost(files, SYSTEM), {
    ...SYSTEM,
    seccomp: true,
    x32: true,
    cgroupVersion: 1,
    cgroupFeatures: new Set(["memory", "cpuShares", "cpuset", "pids", "blkioReadBps", "blkioWeight"]),
    cgroupNamespaces: true,
    appArmor: true,
    boundingCapabilities: 0x1fffeffffffn,
    lastCapability: 40,
    rlimitHardCaps: { nofile: 20000n, memlock: 8388608n, nice: 0n },
    oomScoreAdjMin: 100,
    cpuCount: 4,
    cpusetCpus: "0-7",
    cpusetMems: "0",
    recursiveReadOnly: false,
    netSysctls: ["net.ipv4.ip_unprivileged_port_start"],
    thermalThrottlePaths: [
      "/sys/devices/system/cpu/cpu2/thermal_throttle",
      "/sys/devices/system/cpu/cpu10/thermal_throttle",
    ],
  });
});

Deno.test("probeHost on cgroup v2 with CAP_SYS_RESOURCE", async () => {
  const info = await probeHost(
    machine({
      "/proc/self/status": STATUS(EVERYTHING),
      "/proc/self/limits": LIMITS,
      "/proc/self/cgroup": "0::/system.slice/tsd.service\n",
      "/proc/sys/fs/nr_open": "1048576\n",
      "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
      "/sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
      "/sys/fs/cgroup/system.slice/tsd.service/memory.swap.max": "max\n",
    }),
    { arch: "aarch64", kernel: "6.1.0" },
  );
  assert.equal(info.cgroupVersion, 2);
  const features = [
    ...["cpuset", "cpuShares", "cpuQuota", "memory", "memoryReservation", "pids", "swap", "blkioWeight"] as const,
    ...["blkioWeightDevice", "blkioReadBps", "blkioWriteBps", "blkioReadIops", "blkioWriteIops"] as const,
  ];
  assert.deepEqual(info.cgroupFeatures, new Set(features));
  assert.deepEqual(info.rlimitHardCaps, { nofile: 1048576n });
  assert.deepEqual([info.oomScoreAdjMin, info.lastCapability, info.cpusetCpus], [-1000, 40, "0-3"]);
  assert.deepEqual([info.recursiveReadOnly, info.cgroupNamespaces, info.appArmor], [true, false, false]);
});

Deno.test("parseHardLimits returns hard limits by name", () => {
  assert.deepEqual(parseHardLimits(LIMITS), { nofile: 20000n, memlock: 8388608n, nice: 0n });
});

Deno.test("probeHost reads this machine", async () => {
  const info = await probeHost();
  assert.ok(info.cpuCount >= 1);
  assert.ok(info.boundingCapabilities >= 0n);
  assert.match(info.kernel, /^\d+\.\d+/);
});
