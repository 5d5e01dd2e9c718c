/**
 * @module
 * Limits of the container's cgroup: Docker's validation, its handling of unsupported limits (they are dropped with a
 * warning), and the conversion to OCI. The same form serves cgroup v1 and v2: runc translates it.
 */
import { TsdError } from "../../errors.ts";
import { ociBlockIo, validateBlockIo } from "./block_io.ts";
import type { CgroupFeature, HostInfo } from "./host.ts";
import type { DeviceNumbers, ResourceLimits } from "./input.ts";
import type { OciCpu, OciLimits, OciMemory } from "./oci.ts";

const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
const CPU_PERIOD_MICROS = 100_000;
const NANOS = 1_000_000_000;

/** The limits that this machine supports, and warnings about the others. */
export interface UsableLimits {
  readonly limits: ResourceLimits;
  readonly warnings: readonly string[];
}

interface Discard {
  readonly needs: CgroupFeature;
  readonly fields: readonly (keyof ResourceLimits)[];
  readonly warning: string;
}

const NO_OOM_KILL = "OOM killer is disabled for the container, but no memory limit is set, " +
  "this can result in the system running out of resources.";
const NOT_MOUNTED = "or the cgroup is not mounted";

/** Docker's warnings. A row applies if one of its fields is set and the machine lacks the feature. */
const DISCARDS: readonly Discard[] = [
  {
    needs: "memory",
    fields: ["memoryBytes", "memorySwapBytes"],
    warning: `Your kernel does not support memory limit capabilities ${NOT_MOUNTED}. Limitation discarded.`,
  },
  {
    needs: "swap",
    fields: ["memorySwapBytes"],
    warning: `Your kernel does not support swap limit capabilities ${NOT_MOUNTED}. Memory limited without swap.`,
  },
  {
    needs: "memorySwappiness",
    fields: ["memorySwappiness"],
    warning: `Your kernel does not support memory swappiness capabilities ${NOT_MOUNTED}. Memory swappiness discarded.`,
  },
  {
    needs: "memoryReservation",
    fields: ["memoryReservationBytes"],
    warning: `Your kernel does not support memory soft limit capabilities ${NOT_MOUNTED}. Limitation discarded.`,
  },
  {
    needs: "oomKillDisable",
    fields: ["oomKillDisable"],
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    needs: "pids",
    fields: ["pidsLimit"],
    warning: `Your kernel does not support PIDs limit capabilities ${NOT_MOUNTED}. PIDs limit discarded.`,
  },
  {
    needs: "cpuShares",
    fields: ["cpuShares"],
    warning: `Your kernel does not support CPU shares ${NOT_MOUNTED}. Shares discarded.`,
  },
  {
    needs: "cpuQuota",
    fields: ["cpuPeriodMicros", "cpuQuotaMicros"],
    warning: "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  },
  {
    needs: "cpuset",
    fields: ["cpusetCpus", "cpusetMems"],
    warning: `Your kernel does not support cpuset ${NOT_MOUNTED}. Cpuset discarded.`,
  },
  {
    needs: "blkioWeight",
    fields: ["blkioWeight"],
    warning: `Your kernel does not support Block I/O weight ${NOT_MOUNTED}. Weight discarded.`,
  },
  {
    needs: "blkioWeightDevice",
    fields: ["blkioWeightDevices"],
    warning: `Your kernel does not support Block I/O weight_device ${NOT_MOUNTED}. Weight-device discarded.`,
  },
  throttleDiscard("blkioReadBps", "BPS Block I/O read limit", "Block I/O BPS read limit"),
  throttleDiscard("blkioWriteBps", "BPS Block I/O write limit", "Block I/O BPS write limit"),
  throttleDiscard("blkioReadIops", "IOPS Block read limit", "Block I/O IOPS read limit"),
  throttleDiscard("blkioWriteIops", "IOPS Block write limit", "Block I/O IOPS write limit"),
];

function throttleDiscard(field: CgroupFeature & keyof ResourceLimits, what: string, discarded: string): Discard {
  const warning = `Your kernel does not support ${what} ${NOT_MOUNTED}. ${discarded} discarded.`;
  return { needs: field, fields: [field], warning };
}

/** Drops limits that this machine doesn't support. By default, memory and swap are limited to twice the memory. */
export function usableLimits(input: ResourceLimits, features: ReadonlySet<CgroupFeature>): UsableLimits {
  const limits: Record<string, unknown> = { ...input, memorySwapBytes: input.memorySwapBytes || impliedSwap(input) };
  const warnings: string[] = [];
  for (const { needs, fields, warning } of DISCARDS) {
    if (features.has(needs)) continue;
    if (fields.some((field) => isSet(field, limits[field]))) warnings.push(warning);
    for (const field of fields) delete limits[field];
  }
  if (limits.oomKillDisable === true && !limits.memoryBytes) warnings.push(NO_OOM_KILL);
  return { limits: limits as ResourceLimits, warnings };
}

/** Converts limits that are all supported to OCI, without the device rules. */
export function ociLimits(
  limits: ResourceLimits,
  blockDevices: ReadonlyMap<string, DeviceNumbers> = new Map(),
): OciLimits {
  const memory = ociMemory(limits);
  const blockIO = ociBlockIo(limits, blockDevices);
  const cpu = ociCpu(limits);
  const { pidsLimit } = limits;
  return {
    ...memory === undefined ? {} : { memory },
    ...cpu === undefined ? {} : { cpu },
    ...pidsLimit === undefined ? {} : { pids: { limit: pidsLimit <= 0 ? -1 : pidsLimit } },
    ...blockIO === undefined ? {} : { blockIO },
  };
}

const MEMORY_FIELDS = ["memoryBytes", "memorySwapBytes", "memoryReservationBytes"] as const;
const QUOTA_FIELDS = ["nanoCpus", "cpuPeriodMicros", "cpuQuotaMicros"] as const;

/**
 * Returns the limits to update in a running container's cgroup: those that change, and those that are valid only
 * together with them.
 *
 * @param after all limits after the change, all supported
 */
export function changedLimits(after: ResourceLimits, changes: ResourceLimits): OciLimits {
  const changed = (fields: readonly (keyof ResourceLimits)[]) => fields.some((field) => changes[field] !== undefined);
  const pick = (fields: readonly (keyof ResourceLimits)[]) =>
    Object.fromEntries(fields.map((field) => [field, after[field]]).filter(([, value]) => value !== undefined));
  const single = Object.keys(changes) as (keyof ResourceLimits)[];
  const limits = ociLimits({
    ...pick(single),
    ...changed(MEMORY_FIELDS) ? pick(MEMORY_FIELDS) : {},
    ...changed(QUOTA_FIELDS) ? pick(QUOTA_FIELDS) : {},
  });
  // Unlimited swap is the default of a new cgroup, but must be set explicitly on one that had a limit.
  return after.memorySwapBytes === -1 && limits.memory ? { ...limits, memory: { ...limits.memory, swap: -1 } } : limits;
}

/**
 * Validates limits.
 * @param isChange whether the limits update others that are not known here
 * @throws {TsdError} invalid_argument with Docker's text
 */
export function validateLimits(limits: ResourceLimits, host: HostInfo, { isChange = false } = {}): void {
  validateMemory(limits, isChange);
  validateCpu(limits, host);
  validateBlockIo(limits);
  validateSet("CPUs", "cpus", limits.cpusetCpus, host.cpusetCpus);
  validateSet("memory nodes", "mems", limits.cpusetMems, host.cpusetMems);
}

const impliedSwap = ({ memoryBytes = 0 }: ResourceLimits) => memoryBytes > 0 ? memoryBytes * 2 : undefined;

// Docker's clients send 0, "" and false for unset values, and -1 for unset swap, swappiness and pids.
function isSet(field: keyof ResourceLimits, value: unknown): boolean {
  if (value === undefined || value === 0 || value === "" || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return value !== -1 || field === "cpuQuotaMicros";
}

function ociMemory(limits: ResourceLimits): OciMemory | undefined {
  const { memoryBytes, memoryReservationBytes, memorySwapBytes, memorySwappiness = -1, oomKillDisable } = limits;
  return someOf<OciMemory>({
    limit: positive(memoryBytes),
    reservation: positive(memoryReservationBytes),
    swap: positive(memorySwapBytes),
    swappiness: memorySwappiness < 0 ? undefined : memorySwappiness,
    disableOOMKiller: oomKillDisable || undefined,
  });
}

function ociCpu(limits: ResourceLimits): OciCpu | undefined {
  const nanoQuota = limits.nanoCpus ? Math.floor(limits.nanoCpus * CPU_PERIOD_MICROS / NANOS) : undefined;
  return someOf<OciCpu>({
    shares: positive(limits.cpuShares),
    quota: limits.cpuQuotaMicros || nanoQuota,
    period: positive(limits.cpuPeriodMicros) ?? (nanoQuota === undefined ? undefined : CPU_PERIOD_MICROS),
    cpus: limits.cpusetCpus || undefined,
    mems: limits.cpusetMems || undefined,
  });
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined;

/** Returns the members that are set, or undefined if none is. */
function someOf<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): T | undefined {
  const set = Object.entries(members).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set) as T;
}

function validateMemory(limits: ResourceLimits, isChange: boolean): void {
  const { memoryBytes = 0, memorySwapBytes = 0, memoryReservationBytes = 0, memorySwappiness = -1 } = limits;
  rejectIf(memoryBytes !== 0 && memoryBytes < MIN_MEMORY_BYTES, "Minimum memory limit allowed is 6MB");
  rejectIf(
    memoryBytes > 0 && memorySwapBytes > 0 && memorySwapBytes < memoryBytes,
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  );
  rejectIf(
    memoryBytes === 0 && memorySwapBytes > 0 && !isChange,
    "You should always set the Memory limit when using Memoryswap limit, see usage",
  );
  rejectIf(
    memorySwappiness < -1 || memorySwappiness > 100,
    `Invalid value: ${memorySwappiness}, valid memory swappiness range is 0-100`,
  );
  rejectIf(
    memoryReservationBytes > 0 && memoryReservationBytes < MIN_MEMORY_BYTES,
    "Minimum memory reservation allowed is 6MB",
  );
  rejectIf(
    memoryBytes > 0 && memoryReservationBytes > memoryBytes,
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  );
}

function validateCpu(limits: ResourceLimits, { cpuCount, cgroupFeatures }: HostInfo): void {
  const { nanoCpus = 0, cpuPeriodMicros = 0, cpuQuotaMicros = 0, cpuShares = 0 } = limits;
  const both = (other: string) => `Conflicting options: Nano CPUs and ${other} cannot both be set`;
  rejectIf(nanoCpus > 0 && cpuPeriodMicros > 0, both("CPU Period"));
  rejectIf(nanoCpus > 0 && cpuQuotaMicros > 0, both("CPU Quota"));
  rejectIf(
    nanoCpus > 0 && !cgroupFeatures.has("cpuQuota"),
    "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
  );
  rejectIf(
    nanoCpus < 0 || nanoCpus > cpuCount * NANOS,
    `range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`,
  );
  rejectIf(
    cpuPeriodMicros !== 0 && (cpuPeriodMicros < 1000 || cpuPeriodMicros > 1_000_000),
    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
  );
  rejectIf(cpuQuotaMicros > 0 && cpuQuotaMicros < 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  rejectIf(cpuShares < 0, `invalid CPU shares (${cpuShares}): value must be a positive integer`);
}

function validateSet(what: string, field: string, requested: string | undefined, available: string): void {
  if (!requested) return;
  const members = parseSet(requested);
  if (!members) {
    throw new TsdError(
      "invalid_argument",
      `Invalid value ${requested} for cpuset ${field}: invalid format: ${requested}`,
    );
  }
  const present = parseSet(available);
  rejectIf(
    present !== undefined && members.some((member) => !present.includes(member)),
    `Requested ${what} are not available - requested ${requested}, available: ${available}`,
  );
}

const MAX_SET_NUMBER = 8191;

/** Parses a list such as `0-2,4`; undefined if it is invalid. */
function parseSet(text: string): number[] | undefined {
  const members: number[] = [];
  for (const part of text.split(",")) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (!match) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || last > MAX_SET_NUMBER) return undefined;
    for (let member = first; member <= last; member++) members.push(member);
  }
  return members;
}

function rejectIf(isInvalid: boolean, message: string): void {
  if (isInvalid) throw new TsdError("invalid_argument", message);
}
