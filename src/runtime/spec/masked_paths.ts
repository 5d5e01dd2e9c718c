import type { SpecSettings } from "./input.ts";

/** Files that reveal information about the host or other containers. */
const MASKED_PATHS = [
  ...["acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list"],
  "timer_stats",
].map((name) => `/proc/${name}`).concat("/sys/devices/virtual/powercap", "/sys/firmware");

const READONLY_PATHS = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);

/** Returns the masked and read-only paths of a container: the requested ones, or Docker's. */
export function maskedAndReadonlyPaths(
  { maskedPaths, readonlyPaths, privileged, host }: Pick<
    SpecSettings,
    "maskedPaths" | "readonlyPaths" | "privileged" | "host"
  >,
): { maskedPaths: readonly string[]; readonlyPaths: readonly string[] } {
  return {
    maskedPaths: maskedPaths ?? (privileged ? [] : [...MASKED_PATHS, ...host.thermalThrottlePaths]),
    readonlyPaths: readonlyPaths ?? (privileged ? [] : READONLY_PATHS),
  };
}
