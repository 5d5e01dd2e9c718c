import { strict as assert } from "node:assert";
import type { CgroupFeature } from "./host.ts";
import { ociLimits, usableLimits } from "./resources.ts";
import { HOST } from "./spec_testing.ts";

const ALL = HOST.cgroupFeatures;
const without = (...missing: CgroupFeature[]) => new Set([...ALL].filter((feature) => !missing.includes(feature)));
const MEMORY = { memoryBytes: 64 << 20 };

Deno.test("a memory limit alone limits memory and swap to twice that", () => {
  assert.equal(usableLimits(MEMORY, ALL).limits.memorySwapBytes, 128 << 20);
  assert.equal(usableLimits({ ...MEMORY, memorySwapBytes: 0 }, ALL).limits.memorySwapBytes, 128 << 20);
  assert.equal(usableLimits({ ...MEMORY, memorySwapBytes: -1 }, ALL).limits.memorySwapBytes, -1);
});

Deno.test("an unsupported limit is dropped with Docker's warning", () => {
  const noSwap = usableLimits(MEMORY, without("swap"));
  assert.deepEqual(ociLimits(noSwap.limits), { memory: { limit: 64 << 20 } });
  const warning =
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
  assert.deepEqual(noSwap.warnings, [warning]);
  assert.deepEqual(usableLimits({ ...MEMORY, memorySwapBytes: -1 }, without("swap")).warnings, []);
  const noMemory = usableLimits({ ...MEMORY, pidsLimit: 5 }, without("memory", "swap"));
  assert.equal(noMemory.warnings.length, 1);
  assert.deepEqual(ociLimits(noMemory.limits), { pids: { limit: 5 } });
});

Deno.test("without requested limits there is neither a limit nor a warning, even on a machine without cgroups", () => {
  const { limits, warnings } = usableLimits({ pidsLimit: 0, oomKillDisable: false, memorySwappiness: -1 }, new Set());
  assert.deepEqual([ociLimits(limits), warnings], [{}, []]);
  assert.deepEqual(ociLimits(usableLimits({}, ALL).limits), {});
});

Deno.test("CPUs are converted to a quota of the default period; an explicit quota takes precedence", () => {
  assert.deepEqual(ociLimits({ nanoCpus: 250_000_000 }).cpu, { quota: 25_000, period: 100_000 });
  assert.deepEqual(ociLimits({ cpuQuotaMicros: -1, cpuPeriodMicros: 50_000 }).cpu, { quota: -1, period: 50_000 });
});

Deno.test("an unlimited number of processes is -1", () => {
  assert.deepEqual(ociLimits({ pidsLimit: 0 }), { pids: { limit: -1 } });
});
