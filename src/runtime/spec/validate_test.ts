/** Every validation error, with Docker's text. */
import { strict as assert } from "node:assert";
import type { SpecInput } from "./input.ts";
import { CONTAINER, HOST } from "./spec_testing.ts";
import { validateSpecInput } from "./validate.ts";

const MIB = 1024 * 1024;
const NO_QUOTA = new Set([...HOST.cgroupFeatures].filter((feature) => feature !== "cpuQuota"));
const bind = (target: string) => ({ kind: "bind", source: "/srv", target, readOnly: false }) as const;

const REFUSED: readonly (readonly [Partial<SpecInput>, string])[] = [
  [{ args: [] }, "no command specified"],
  [{ cwd: "app" }, "the working directory 'app' is invalid, it needs to be an absolute path"],
  [{ env: ["A=1", "=x"] }, "invalid environment variable: =x"],
  [{ env: ["A=\0"] }, "Arguments, environment and working directory cannot hold a NUL byte"],
  [{ capAdd: ["NO"] }, 'invalid CapAdd: unknown capability: "CAP_NO"'],
  [{ privileged: true, capDrop: ["NO"] }, 'invalid CapDrop: unknown capability: "CAP_NO"'],
  [{ mounts: [bind("data")] }, "invalid mount path: 'data' mount path must be absolute"],
  [{ mounts: [bind("/../")] }, `invalid mount config for type "bind": invalid specification: destination can't be '/'`],
  [{ mounts: [bind("/a/b"), bind("/a//b/")] }, "Duplicate mount point: /a/b"],
  [{ mounts: [{ kind: "tmpfs", target: "/t", options: ["wibble"] }] }, 'invalid tmpfs option ["wibble"]'],
  [{ mounts: [{ kind: "tmpfs", target: "/t", options: ["lowerdir=/"] }] }, 'invalid tmpfs option ["lowerdir" "/"]'],
  [
    {
      mounts: [{ ...bind("/a"), readOnly: true, recursiveReadOnly: "force" }],
      host: { ...HOST, recursiveReadOnly: false },
    },
    "Cannot mount /a: recursively read-only mounts need Linux 5.12 or later",
  ],
  [{ resources: { memoryBytes: 5 * MIB } }, "Minimum memory limit allowed is 6MB"],
  [
    { resources: { memoryBytes: 8 * MIB, memorySwapBytes: 7 * MIB } },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ],
  [
    { resources: { memorySwapBytes: 7 * MIB } },
    "You should always set the Memory limit when using Memoryswap limit, see usage",
  ],
  [{ resources: { memorySwappiness: 101 } }, "Invalid value: 101, valid memory swappiness range is 0-100"],
  [{ resources: { memoryReservationBytes: 1 } }, "Minimum memory reservation allowed is 6MB"],
  [
    { resources: { memoryBytes: 8 * MIB, memoryReservationBytes: 9 * MIB } },
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ],
  [
    { resources: { nanoCpus: 1e9, cpuPeriodMicros: 1000 } },
    "Conflicting options: Nano CPUs and CPU Period cannot both be set",
  ],
  [
    { resources: { nanoCpus: 1e9, cpuQuotaMicros: 1000 } },
    "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
  ],
  [{ resources: { nanoCpus: 5e9 } }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
  [
    { resources: { nanoCpus: 1e9 }, host: { ...HOST, cgroupFeatures: NO_QUOTA } },
    "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
  ],
  [
    { resources: { cpuPeriodMicros: 10 } },
    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
  ],
  [{ resources: { cpuQuotaMicros: 10 } }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ resources: { cpuShares: -1 } }, "invalid CPU shares (-1): value must be a positive integer"],
  [{ resources: { cpusetCpus: "2-" } }, "Invalid value 2- for cpuset cpus: invalid format: 2-"],
  [{ resources: { cpusetCpus: "0-4" } }, "Requested CPUs are not available - requested 0-4, available: 0-3"],
  [{ resources: { cpusetMems: "1" } }, "Requested memory nodes are not available - requested 1, available: 0"],
  [{ sysctls: { "kernel.panic": "1" } }, "sysctl 'kernel.panic' is not allowed"],
  [
    { network: "host", sysctls: { "net.ipv4.ip_forward": "1" } },
    "sysctl 'net.ipv4.ip_forward' not allowed in host network namespace",
  ],
  [{ ipc: "host", sysctls: { "kernel.sem": "1" } }, "sysctl 'kernel.sem' not allowed in host ipc namespace"],
  [{ uts: "host", domainname: "x" }, "conflicting options: domainname and the UTS mode"],
  [{ deviceCgroupRules: ["c 1:3 rwmx"] }, "invalid device cgroup rule format: 'c 1:3 rwmx'"],
  [{ ulimits: [{ name: "as", soft: 1, hard: 1 }] }, "invalid ulimit type: as"],
  [
    { ulimits: [{ name: "nofile", soft: 2, hard: 1 }] },
    "ulimit soft limit must be less than or equal to hard limit: 2 > 1",
  ],
  [
    { ulimits: [{ name: "nofile", soft: -1, hard: 1 }] },
    "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1",
  ],
  [{ oomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
  [{ shmSizeBytes: -1 }, "SHM size can not be less than 0"],
  [{ annotations: { "": "x" } }, "invalid Annotations: the empty string is not permitted as an annotation key"],
];

for (const [changes, message] of REFUSED) {
  Deno.test(`rejected: ${message}`, () => {
    assert.throws(() => validateSpecInput({ ...CONTAINER, ...changes }), { code: "invalid_argument", message });
  });
}

Deno.test("the values that Docker's clients send for unset fields are accepted", () => {
  const resources = {
    ...{ memoryBytes: 0, memorySwapBytes: -1, memoryReservationBytes: 0, memorySwappiness: -1, nanoCpus: 0 },
    ...{ cpuShares: 0, cpuPeriodMicros: 0, cpuQuotaMicros: 0, cpusetCpus: "", cpusetMems: "", pidsLimit: 0 },
  };
  validateSpecInput({ ...CONTAINER, resources, shmSizeBytes: 0, oomScoreAdj: 0, capAdd: [], ulimits: [] });
});
