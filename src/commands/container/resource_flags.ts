import type { FlagSpecs, FlagValues } from "../../cli/mod.ts";
import { checkDeviceRule, parseByteRate, parseOperationRate, parseWeight } from "../opts/device.ts";
import { readBytes, readCpus, readSwapBytes, readUint16 } from "../opts/flag_values.ts";
import { parseUlimit } from "../opts/ulimit.ts";

const BYTES = { type: "number", valueName: "bytes", read: readBytes } as const;

/** Validates a value with `parse` and keeps its text, which is parsed again for the request. */
const validated = (parse: (text: string) => unknown) => (text: string): string => {
  parse(text);
  return text;
};

/** Limits that `update` can change later. */
export const LIMIT_FLAGS = {
  "blkio-weight": {
    type: "number",
    valueName: "uint16",
    read: readUint16,
    help: "Block IO (relative weight), between 10 and 1000, or 0 to disable",
  },
  "cpu-period": { type: "int", help: "Limit CPU CFS (Completely Fair Scheduler) period" },
  "cpu-quota": { type: "int", help: "Limit CPU CFS (Completely Fair Scheduler) quota" },
  "cpu-shares": { type: "int", short: "c", help: "CPU shares (relative weight)" },
  cpus: { type: "number", valueName: "decimal", read: readCpus, help: "Number of CPUs" },
  "cpuset-cpus": { type: "string", help: "CPUs in which to allow execution (0-3, 0,1)" },
  "cpuset-mems": { type: "string", help: "MEMs in which to allow execution (0-3, 0,1)" },
  memory: { ...BYTES, short: "m", help: "Memory limit" },
  "memory-reservation": { ...BYTES, help: "Memory soft limit" },
  "memory-swap": {
    ...BYTES,
    read: readSwapBytes,
    help: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
  },
  "pids-limit": { type: "int", help: "Tune container pids limit (set -1 for unlimited)" },
} as const satisfies FlagSpecs;

/** All resource limits of a new container. */
export const RESOURCE_FLAGS = {
  ...LIMIT_FLAGS,
  "blkio-weight-device": {
    type: "list",
    check: validated(parseWeight),
    help: "Block IO weight (relative device weight): DEVICE:WEIGHT",
  },
  "cgroup-parent": { type: "string", help: "Optional parent cgroup for the container" },
  "device-cgroup-rule": {
    type: "list",
    check: checkDeviceRule,
    help: "Add a rule to the cgroup allowed devices list: TYPE MAJOR:MINOR ACCESS",
  },
  "device-read-bps": {
    type: "list",
    check: validated(parseByteRate),
    help: "Limit read rate (bytes per second) from a device: DEVICE:RATE",
  },
  "device-read-iops": {
    type: "list",
    check: validated(parseOperationRate),
    help: "Limit read rate (IO per second) from a device: DEVICE:RATE",
  },
  "device-write-bps": {
    type: "list",
    check: validated(parseByteRate),
    help: "Limit write rate (bytes per second) to a device: DEVICE:RATE",
  },
  "device-write-iops": {
    type: "list",
    check: validated(parseOperationRate),
    help: "Limit write rate (IO per second) to a device: DEVICE:RATE",
  },
  "memory-swappiness": { type: "int", help: "Tune container memory swappiness (0 to 100)" },
  "oom-kill-disable": { type: "bool", help: "Disable OOM Killer" },
  "oom-score-adj": { type: "int", help: "Tune host's OOM preferences (-1000 to 1000)" },
  "shm-size": { ...BYTES, help: "Size of /dev/shm (default 64m)" },
  ulimit: {
    type: "list",
    valueName: "ulimit",
    check: validated(parseUlimit),
    help: "Ulimit options: NAME=SOFT[:HARD]",
  },
} as const satisfies FlagSpecs;

export type LimitFlagValues = FlagValues<typeof LIMIT_FLAGS>;
export type ResourceFlagValues = FlagValues<typeof RESOURCE_FLAGS>;
