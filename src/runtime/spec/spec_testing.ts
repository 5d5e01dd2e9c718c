/**
 * @module
 * Base inputs of the tests in this directory.
 */
import { CAPABILITY_NUMBERS } from "./capabilities.ts";
import type { CgroupFeature, HostInfo } from "./host.ts";
import type { SpecInput } from "./input.ts";

/** Returns the mask of all capabilities except `missing`. */
export function capabilitiesBut(...missing: string[]): bigint {
  return [...CAPABILITY_NUMBERS].reduce(
    (mask, [name, bit]) => missing.includes(name) ? mask : mask | 1n << BigInt(bit),
    0n,
  );
}

const FEATURES: readonly CgroupFeature[] = [
  ...["memory", "swap", "memoryReservation", "memorySwappiness", "oomKillDisable"] as const,
  ...["cpuShares", "cpuQuota", "cpuset", "pids", "blkioWeight", "blkioWeightDevice"] as const,
  ...["blkioReadBps", "blkioWriteBps", "blkioReadIops", "blkioWriteIops"] as const,
];

/** A machine with cgroup v1 that supports all features. */
export const HOST: HostInfo = {
  arch: "x86_64",
  kernel: "6.1.0-18-amd64",
  seccomp: true,
  x32: true,
  cgroupVersion: 1,
  cgroupFeatures: new Set(FEATURES),
  cgroupNamespaces: true,
  appArmor: false,
  boundingCapabilities: capabilitiesBut(),
  lastCapability: 40,
  rlimitHardCaps: {},
  oomScoreAdjMin: -1000,
  cpuCount: 4,
  cpusetCpus: "0-3",
  cpusetMems: "0",
  recursiveReadOnly: true,
  netSysctls: ["net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"],
  thermalThrottlePaths: [],
};

const ID = "3f4b0c7a9d2e11aa";

/** `docker run --network none busybox sh` on {@link HOST}. */
export const CONTAINER: SpecInput = {
  containerId: ID,
  rootPath: "/var/lib/tsd/mounts/3f4b0c7a9d2e11aa",
  args: ["sh"],
  cwd: "/",
  env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=3f4b0c7a9d2e", "HOME=/root"],
  user: { uid: 0, gid: 0, additionalGids: [0, 10] },
  tty: false,
  hostname: "3f4b0c7a9d2e",
  network: "none",
  ipc: "private",
  pid: "private",
  uts: "private",
  cgroupns: "host",
  readonlyRootfs: false,
  privileged: false,
  mounts: [],
  etcFiles: {
    hostname: `/var/lib/tsd/containers/${ID}/hostname`,
    hosts: `/var/lib/tsd/containers/${ID}/hosts`,
    resolvConf: `/var/lib/tsd/containers/${ID}/resolv.conf`,
  },
  seccomp: "default",
  cgroupsPath: `/tsd/${ID}`,
  host: HOST,
};
