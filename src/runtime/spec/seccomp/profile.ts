/**
 * @module
 * Profiles of `--security-opt seccomp=FILE`: JSON in Docker's format, which adds conditions on capabilities,
 * architectures and kernel versions to the OCI format. This module parses a profile and evaluates its conditions; it
 * leaves the interpretation of actions and system call names to the runtime.
 */
import { TsdError } from "../../../errors.ts";
import { type OciSeccomp, type OciSyscallArg, type OciSyscallRule, uint64 } from "../oci.ts";
import { kernelAtLeast, type SeccompContext } from "./resolve.ts";

/** The conditions of a rule. It applies if all conditions in `includes` and none in `excludes` are met. */
export interface ProfileFilter {
  readonly caps?: readonly string[];
  /** Architectures as named by Go: `amd64`, `arm64`. */
  readonly arches?: readonly string[];
  /** Kernel version, such as `4.8`. */
  readonly minKernel?: string;
}

export interface ProfileSyscall {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly OciSyscallArg[] | null;
  readonly includes?: ProfileFilter | null;
  readonly excludes?: ProfileFilter | null;
}

/** An architecture and those whose programs it also runs. */
export interface ArchFamily {
  readonly architecture: string;
  readonly subArchitectures?: readonly string[] | null;
}

/** A profile as in its file. */
export interface SeccompProfile {
  readonly defaultAction?: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[] | null;
  readonly archMap?: readonly ArchFamily[] | null;
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly ProfileSyscall[] | null;
}

const GO_ARCH: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
const SCMP_ARCH: Readonly<Record<string, string>> = { x86_64: "SCMP_ARCH_X86_64", aarch64: "SCMP_ARCH_AARCH64" };

/** Parses a profile. @throws {TsdError} invalid_argument, if it is malformed */
export function parseSeccompProfile(text: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(text, exactNumber);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw malformed(cause.message, cause);
  }
  if (!isObject(value)) throw malformed("it is not an object");
  checkShape(value);
  return value as SeccompProfile;
}

/**
 * Resolves the conditions of a profile for one container.
 * @returns undefined for an empty profile, which means no filter
 * @throws {TsdError} invalid_argument
 */
export function resolveSeccompProfile(profile: SeccompProfile, context: SeccompContext): OciSeccomp | undefined {
  const { defaultAction = "", architectures, syscalls, archMap: families, ...rest } = profile;
  const archMap = families ?? [];
  const rules = syscalls ?? [];
  if (defaultAction === "" && rules.length === 0) return undefined;
  if (architectures?.length && archMap.length) {
    throw new TsdError(
      "invalid_argument",
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const mapped = archMap.find((entry) => entry.architecture === SCMP_ARCH[context.arch]);
  const architectureNames = architectures ?? (mapped ? [mapped.architecture, ...mapped.subArchitectures ?? []] : []);
  return {
    ...rest,
    defaultAction,
    ...architectureNames.length > 0 ? { architectures: architectureNames } : {},
    syscalls: rules.filter((rule) => applies(rule, context)).map(toOci),
  };
}

function applies({ includes, excludes }: ProfileSyscall, context: SeccompContext): boolean {
  const arch = GO_ARCH[context.arch] ?? context.arch;
  const has = (cap: string) => context.capabilities.includes(cap);
  const isKernelAtLeast = (version: string) => kernelAtLeast(context.kernel, kernelVersion(version));
  if (excludes) {
    if (excludes.arches?.includes(arch) || excludes.caps?.some(has)) return false;
    if (excludes.minKernel && isKernelAtLeast(excludes.minKernel)) return false;
  }
  if (includes) {
    if (includes.arches?.length && !includes.arches.includes(arch)) return false;
    if (includes.caps && !includes.caps.every(has)) return false;
    if (includes.minKernel && !isKernelAtLeast(includes.minKernel)) return false;
  }
  return true;
}

function toOci({ name, names, action, errnoRet, args }: ProfileSyscall): OciSyscallRule {
  return {
    names: name ? [name] : names ?? [],
    action,
    ...errnoRet === undefined ? {} : { errnoRet },
    ...args?.length ? { args } : {},
  };
}

function kernelVersion(text: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (!match) throw malformed(`${JSON.stringify(text)} is not a kernel version (as in 4.8)`);
  return [Number(match[1]), Number(match[2])];
}

function checkShape(profile: Record<string, unknown>): void {
  const { syscalls } = profile;
  if (syscalls === undefined || syscalls === null) return;
  if (!Array.isArray(syscalls)) throw malformed("'syscalls' is not a list");
  for (const call of syscalls) {
    if (!isObject(call) || typeof call.action !== "string") throw malformed("each of 'syscalls' needs an 'action'");
    if (call.name && Array.isArray(call.names) && call.names.length > 0) {
      throw new TsdError(
        "invalid_argument",
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    if (!call.name && !isTextList(call.names)) throw malformed("each of 'syscalls' needs 'names'");
  }
}

// Arguments are unsigned 64-bit numbers; a double would round the large ones.
function exactNumber(_key: string, value: unknown, context?: { readonly source: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return context && /^\d+$/.test(context.source) ? uint64(BigInt(context.source)) : value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTextList = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");

function malformed(why: string, cause?: unknown): TsdError {
  return new TsdError("invalid_argument", `Decoding seccomp profile failed: ${why}`, { cause });
}
