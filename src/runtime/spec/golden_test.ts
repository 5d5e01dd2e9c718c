/**
 * Compares the configuration of typical containers with golden files in `testdata/`. `UPDATE_GOLDEN=1` rewrites them;
 * review the difference then. The seccomp filter is in a separate file and only named in the others.
 */
import { strict as assert } from "node:assert";
import { generateSpec } from "./generate.ts";
import type { HostInfo } from "./host.ts";
import type { ContainerDevice, SpecInput } from "./input.ts";
import { type ExecInput, execProcess } from "./process.ts";
import { defaultSeccomp } from "./seccomp/resolve.ts";
import { capabilitiesBut, CONTAINER, HOST } from "./spec_testing.ts";

const FUSE: ContainerDevice = {
  path: "/dev/fuse",
  type: "c",
  major: 10,
  minor: 229,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
  access: "rwm",
};
const V2: HostInfo = {
  ...HOST,
  cgroupVersion: 2,
  cgroupFeatures: new Set([
    ...["memory", "swap", "memoryReservation", "cpuShares", "cpuQuota", "cpuset", "pids"] as const,
    ...[
      "blkioWeight",
      "blkioWeightDevice",
      "blkioReadBps",
      "blkioWriteBps",
      "blkioReadIops",
      "blkioWriteIops",
    ] as const,
  ]),
};

const BLOCK_IO: Partial<SpecInput> = {
  resources: {
    blkioWeight: 300,
    blkioWeightDevices: [{ path: "/dev/vda", value: 500 }],
    blkioReadBps: [{ path: "/dev/vda", value: 1 << 20 }, { path: "/dev/vdb", value: 2 << 20 }],
    blkioWriteBps: [{ path: "/dev/vda", value: 4096 }],
    blkioReadIops: [{ path: "/dev/vdb", value: 100 }],
    blkioWriteIops: [{ path: "/dev/vda", value: 200 }],
  },
  blockDevices: new Map([["/dev/vda", { major: 254, minor: 0 }], ["/dev/vdb", { major: 254, minor: 16 }]]),
};

/** Differences from the default container, by the name of the golden file. */
const CASES: Readonly<Record<string, Partial<SpecInput>>> = {
  default: {},
  non_root: { user: { uid: 1000, gid: 1000, additionalGids: [1000, 27], umask: 0o27 }, cwd: "/home/app" },
  privileged: {
    privileged: true,
    devices: [FUSE],
    host: { ...HOST, boundingCapabilities: capabilitiesBut("CAP_SYS_RESOURCE") },
  },
  host_network: { network: "host", hostname: "build-machine" },
  host_namespaces: { network: "host", ipc: "host", pid: "host", uts: "host" },
  joined_network: { network: { path: "/run/tsd/netns/3f4b0c7a9d2e11aa" }, domainname: "example.test" },
  tty: { tty: true, consoleSize: { rows: 24, columns: 80 } },
  read_only_tmpfs: {
    readonlyRootfs: true,
    mounts: [
      { kind: "tmpfs", target: "/run", options: [] },
      { kind: "tmpfs", target: "/tmp/", options: ["exec", "size=64m", "mode=1777", "size=128m"] },
    ],
  },
  mounts: {
    mounts: [
      { kind: "bind", source: "/srv/data/deep", target: "/data/deep", readOnly: false, propagation: "rshared" },
      { kind: "volume", source: "/var/lib/tsd/volumes/db/_data", target: "/data", readOnly: false },
      { kind: "bind", source: "/srv/ro", target: "/ro", readOnly: true },
      { kind: "bind", source: "/srv/one", target: "/one", readOnly: true, recursive: false, recursiveReadOnly: "off" },
      { kind: "bind", source: "/etc/resolv.conf", target: "/etc/resolv.conf", readOnly: true },
    ],
  },
  limits: {
    resources: {
      memoryBytes: 64 << 20,
      memoryReservationBytes: 32 << 20,
      memorySwappiness: -1,
      nanoCpus: 1_500_000_000,
      cpuShares: 512,
      cpusetCpus: "0-1",
      cpusetMems: "0",
      pidsLimit: 100,
    },
    ulimits: [{ name: "nofile", soft: 1024, hard: 1_048_576 }, { name: "core", soft: 0, hard: -1 }],
    oomScoreAdj: -500,
    shmSizeBytes: 128 << 20,
    host: { ...HOST, rlimitHardCaps: { nofile: 20_000n }, oomScoreAdjMin: 0 },
  },
  block_io: BLOCK_IO,
  block_io_v2: { ...BLOCK_IO, cgroupns: "private", host: V2 },
  block_io_without: { ...BLOCK_IO, host: { ...HOST, cgroupFeatures: new Set(["memory"]) } },
  joined_namespaces: {
    pid: { path: "/proc/7/fd/20" },
    ipc: { path: "/proc/7/fd/21" },
    shmPath: "/run/tsd/containers/ff/shm",
    cgroupns: "private",
    cgroupsPath: "/batch/jobs/3f4b0c7a9d2e11aa",
    init: { path: "/usr/libexec/tsd/init" },
  },
  no_cgroup_namespaces: { cgroupns: "private", host: { ...HOST, cgroupNamespaces: false } },
  oom_killer_off: { resources: { oomKillDisable: true } },
  writable_cgroups: { writableCgroups: true, apparmorProfile: "my-profile" },
  security: {
    capAdd: ["NET_ADMIN", "cap_sys_resource"],
    capDrop: ["mknod", "CAP_AUDIT_WRITE"],
    noNewPrivileges: true,
    seccomp: "unconfined",
    maskedPaths: [],
    readonlyPaths: [],
    devices: [FUSE],
    deviceCgroupRules: ["c 13:* rw"],
    sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.ping_group_range": "1 0", "kernel.shmmax": "1000000" },
    annotations: { "com.example.key": "value" },
    stopSignal: "SIGQUIT",
    init: { path: "/usr/libexec/tsd/init" },
    host: { ...HOST, boundingCapabilities: capabilitiesBut("CAP_SYS_RESOURCE") },
  },
  cgroup_v2: {
    cgroupns: "private",
    cgroupsPath: "/tsd-0a1b2c/3f4b0c7a9d2e11aa",
    resources: {
      memoryBytes: 64 << 20,
      memorySwapBytes: -1,
      memorySwappiness: 10,
      cpuQuotaMicros: 50_000,
      pidsLimit: -1,
    },
    host: V2,
  },
};

const EXEC: ExecInput = {
  ...CONTAINER,
  args: ["ls", "-l"],
  cwd: "/tmp",
  user: { uid: 65534, gid: 65534, additionalGids: [65534] },
  ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
  noNewPrivileges: true,
  execPrivileged: false,
};

for (const [name, changes] of Object.entries(CASES)) {
  Deno.test(`config.json: ${name}`, async () => {
    const { spec, warnings } = generateSpec({ ...CONTAINER, ...changes });
    const { seccomp, ...linux } = spec.linux;
    const filter = seccomp === undefined ? undefined : `default, ${seccomp.syscalls[0].names.length} names`;
    await compareGolden(name, { warnings, spec: { ...spec, linux: { ...linux, seccomp: filter } } });
  });
}

Deno.test("process.json", async () => {
  await compareGolden("exec", execProcess(EXEC));
});

Deno.test("process.json: privileged, with a terminal", async () => {
  const consoleSize = { rows: 50, columns: 132 };
  await compareGolden("exec_privileged", execProcess({ ...EXEC, execPrivileged: true, tty: true, consoleSize }));
});

for (const arch of ["x86_64", "aarch64"]) {
  Deno.test(`seccomp: default on ${arch}`, async () => {
    const { process } = generateSpec(CONTAINER).spec;
    const capabilities = process.capabilities.bounding;
    await compareGolden(`seccomp_${arch}`, defaultSeccomp({ arch, kernel: HOST.kernel, x32: true, capabilities }));
  });
}

async function compareGolden(name: string, value: unknown): Promise<void> {
  const file = new URL(`testdata/${name}.json`, import.meta.url);
  const actual = JSON.stringify(value, undefined, 2) + "\n";
  if (Deno.env.get("UPDATE_GOLDEN")) await Deno.writeTextFile(file, actual);
  assert.equal(actual, await Deno.readTextFile(file));
}
