/**
 * @module
 * Determines the capabilities of a container from Docker's default set, `--cap-add`, `--cap-drop` and `--privileged`,
 * limited to those that a child process can have on this machine (capabilities(7), runtime-spec `config.md`, "Linux
 * Process").
 */
import { TsdError } from "../../errors.ts";

/** All capabilities of Linux 6.x without `CAP_`; the index is the number. */
const NAMES = [
  ...["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"],
  ...["LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"],
  ...["SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"],
  ...["SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"],
  ...["MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"],
  "CHECKPOINT_RESTORE",
];

/** Capability numbers by full name (`CAP_CHOWN`), in ascending order. */
export const CAPABILITY_NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, i) => [`CAP_${name}`, i]));

/** The default capabilities of a container. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
].map((name) => `CAP_${name}`);

const ALL = "ALL";

/** The capabilities to grant, and the requested ones that are unavailable on this machine. */
export interface GrantedCapabilities {
  readonly granted: readonly string[];
  readonly unavailable: readonly string[];
}

/** The requested capabilities, and the bounding set of the engine. */
export interface CapabilityRequest {
  readonly privileged: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** Bit n represents capability n. */
  readonly boundingCapabilities: bigint;
  /** The highest capability number that this kernel supports. */
  readonly lastCapability: number;
}

/**
 * Converts a `CapAdd` or `CapDrop` list to full names; `ALL` is retained.
 *
 * @throws {TsdError} invalid_argument with Docker's text for an unknown name
 */
export function normaliseCapabilities(names: readonly string[], field: "CapAdd" | "CapDrop"): string[] {
  return names.map((original) => {
    const upper = original.toUpperCase();
    if (upper === ALL) return ALL;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (CAPABILITY_NUMBERS.has(name)) return name;
    throw new TsdError("invalid_argument", `invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
  });
}

/** Returns the capabilities of a process, without duplicates. */
export function grantCapabilities(request: CapabilityRequest): GrantedCapabilities {
  const granted: string[] = [];
  const unavailable: string[] = [];
  for (const name of new Set(requested(request))) {
    const bit = 1n << BigInt(CAPABILITY_NUMBERS.get(name)!);
    (request.boundingCapabilities & bit ? granted : unavailable).push(name);
  }
  return { granted, unavailable };
}

/** Returns a warning about unavailable capabilities, or none. */
export function unavailableWarning(unavailable: readonly string[]): string[] {
  if (unavailable.length === 0) return [];
  return [`Not available on this machine, so the container runs without: ${unavailable.join(", ")}`];
}

function requested({ privileged, capAdd = [], capDrop = [], lastCapability }: CapabilityRequest): string[] {
  const known = [...CAPABILITY_NUMBERS].filter(([, number]) => number <= lastCapability).map(([name]) => name);
  if (privileged) return known;
  const added = normaliseCapabilities(capAdd, "CapAdd");
  const dropped = new Set(normaliseCapabilities(capDrop, "CapDrop"));
  if (added.includes(ALL)) return known.filter((name) => !dropped.has(name));
  if (dropped.has(ALL)) return added;
  return [...DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name)), ...added];
}
