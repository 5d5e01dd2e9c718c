import type { SpecSettings } from "./input.ts";

/** Hides what tells of the host or of other containers. */
const MASKED_PATHS = [
  ...["acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list"],
  "timer_stats",
].map((name) => `/proc/${name}`).concat("/sys/devices/virtual/powercap", "/sys/firmware");

const READONLY_PATHS = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);

/** What of /proc and /sys a container can't see, and what it can't write to: as it is asked for, else Docker's. */
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
