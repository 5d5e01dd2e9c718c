/**
 * @module
 * Capabilities of a container: Docker's default set, `--cap-add`, `--cap-drop` and `--privileged`, cut down to what
 * this machine lets a child process have (capabilities(7), runtime-spec `config.md` "Linux Process").
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

/** Full name (`CAP_CHOWN`) to number, in the order of the numbers. */
export const CAPABILITY_NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, i) => [`CAP_${name}`, i]));

/** What a container may have unless it says otherwise. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
].map((name) => `CAP_${name}`);

const ALL = "ALL";

/** What to grant, and the names that this machine does not let anyone have. */
export interface GrantedCapabilities {
  readonly granted: readonly string[];
  readonly unavailable: readonly string[];
}

/** What is asked for, and the machine's bounding set. */
export interface CapabilityRequest {
  readonly privileged: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** Bit n stands for capability n. */
  readonly boundingCapabilities: bigint;
  /** The highest number that this kernel knows. */
  readonly lastCapability: number;
}

/**
 * Full names of a `CapAdd` or `CapDrop` list; `ALL` stays.
 *
 * @throws invalid_argument with Docker's text for a name that does not exist
 */
export function normaliseCapabilities(names: readonly string[], field: "CapAdd" | "CapDrop"): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === ALL) return ALL;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (CAPABILITY_NUMBERS.has(name)) return name;
    throw new TsdError("invalid_argument", `invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
  });
}

/** The capabilities of a process, each once. */
export function grantCapabilities(request: CapabilityRequest): GrantedCapabilities {
  const granted: string[] = [];
  const unavailable: string[] = [];
  for (const name of new Set(requested(request))) {
    const bit = 1n << BigInt(CAPABILITY_NUMBERS.get(name)!);
    (request.boundingCapabilities & bit ? granted : unavailable).push(name);
  }
  return { granted, unavailable };
}

/** A warning for the user about what {@link grantCapabilities} left out. */
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
