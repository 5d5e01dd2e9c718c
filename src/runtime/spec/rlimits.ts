/**
 * @module
 * Converts `--ulimit` to the POSIX limits of the process, reduced to the maximum that the engine may set: raising a
 * hard limit requires CAP_SYS_RESOURCE (setrlimit(2)).
 */
import { TsdError } from "../../errors.ts";
import type { Ulimit } from "./input.ts";
import { type OciRlimit, uint64 } from "./oci.ts";

/** Names that Docker accepts. */
export const ULIMIT_NAMES: readonly string[] = [
  ...["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"],
  ...["rttime", "sigpending", "stack"],
];

/** The value for unlimited in the kernel and runc. */
export const RLIMIT_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Validates one ulimit. @throws {TsdError} invalid_argument with Docker's text */
export function validateUlimit({ name, soft, hard }: Ulimit): void {
  if (!ULIMIT_NAMES.includes(name)) throw new TsdError("invalid_argument", `invalid ulimit type: ${name}`);
  if (!Number.isSafeInteger(soft) || !Number.isSafeInteger(hard) || soft < -1 || hard < -1) {
    throw new TsdError("invalid_argument", `invalid ulimit argument: ${name}=${soft}:${hard}`);
  }
  if (hard === -1) return;
  const order = "ulimit soft limit must be less than or equal to hard limit";
  if (soft === -1) throw new TsdError("invalid_argument", `${order}: soft: -1 (unlimited), hard: ${hard}`);
  if (soft > hard) throw new TsdError("invalid_argument", `${order}: ${soft} > ${hard}`);
}

/** Returns the limits to set, and warnings about those that had to be reduced. */
export function rlimits(
  ulimits: readonly Ulimit[],
  hardCaps: Readonly<Record<string, bigint>>,
): { readonly rlimits: readonly OciRlimit[]; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const limits = ulimits.map(({ name, soft, hard }) => {
    const cap = hardCaps[name] ?? RLIMIT_INFINITY;
    if (asLimit(hard) > cap) {
      warnings.push(`ulimit ${name}: this machine allows at most ${cap}, which is used instead of ${text(hard)}`);
    }
    const within = (value: number) => uint64(min(asLimit(value), cap));
    return { type: `RLIMIT_${name.toUpperCase()}`, soft: within(soft), hard: within(hard) };
  });
  return { rlimits: limits, warnings };
}

const asLimit = (value: number): bigint => value === -1 ? RLIMIT_INFINITY : BigInt(value);
const min = (a: bigint, b: bigint): bigint => a < b ? a : b;
const text = (value: number): string => value === -1 ? "unlimited" : String(value);
