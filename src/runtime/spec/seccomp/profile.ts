/**
 * @module
 * Profiles of `--security-opt seccomp=FILE`: JSON in Docker's format, which adds conditions on capabilities,
 * architectures and kernel versions to the OCI format. This module parses a profile and evaluates its conditions; it
 * leaves the interpretation of actions and system call names to the runtime.
 */
import { TsdError } from "../../../errors.ts";
import { decode, type Decoded, isObject, type Shape } from "../../../json/decode.ts";
import { duplicateKey, measureJson } from "../../../json/keys.ts";
import { type OciSeccomp, type OciSyscallArg, type OciSyscallRule, uint64 } from "../oci.ts";
import { kernelAtLeast, type SeccompContext } from "./resolve.ts";

/** The conditions of a rule. It applies if all conditions in `includes` and none in `excludes` are met. */
interface ProfileFilter {
  caps?: readonly string[] | null;
  /** Architectures as named by Go: `amd64`, `arm64`. */
  arches?: readonly string[] | null;
  /** Kernel version, such as `4.8`. */
  minKernel?: string | null;
}

/** A condition on an argument. Its numbers have up to 64 bits. */
interface ProfileArg {
  index: number;
  value: unknown;
  valueTwo?: unknown;
  op: string;
}

interface ProfileSyscall {
  /** The older form of `names`. */
  name?: string;
  names?: readonly string[] | null;
  action: string;
  errnoRet?: number | null;
  args?: readonly ProfileArg[] | null;
  comment?: string;
  includes?: ProfileFilter | null;
  excludes?: ProfileFilter | null;
}

/** An architecture and those whose programs it also runs. */
interface ArchFamily {
  architecture: string;
  subArchitectures?: readonly string[] | null;
}

/** A profile as in its file. */
interface ProfileFile {
  defaultAction?: string;
  defaultErrnoRet?: number | null;
  architectures?: readonly string[] | null;
  archMap?: readonly ArchFamily[] | null;
  flags?: readonly string[] | null;
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: readonly ProfileSyscall[] | null;
}

/** A decoded profile. */
export type SeccompProfile = Decoded<ProfileFile>;

const FILTER_SHAPE: Shape<ProfileFilter> = { caps: "texts", arches: "texts", minKernel: { pointer: "text" } };

const SYSCALL_SHAPE: Shape<ProfileSyscall> = {
  name: "text",
  names: "texts",
  action: "text",
  errnoRet: { pointer: "count" },
  args: { each: { index: "count", value: "anything", valueTwo: "anything", op: "text" } },
  comment: { ignored: "text", because: "it is for readers" },
  includes: { pointer: { object: FILTER_SHAPE } },
  excludes: { pointer: { object: FILTER_SHAPE } },
};

const PROFILE_SHAPE: Shape<ProfileFile> = {
  defaultAction: "text",
  defaultErrnoRet: { pointer: "count" },
  architectures: "texts",
  archMap: { each: { architecture: "text", subArchitectures: "texts" } },
  flags: "texts",
  listenerPath: "text",
  listenerMetadata: "text",
  syscalls: { each: SYSCALL_SHAPE },
};

/** How deep a profile may be nested; its form has five levels. */
const MAX_DEPTH = 64;

const GO_ARCH: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
const SCMP_ARCH: Readonly<Record<string, string>> = { x86_64: "SCMP_ARCH_X86_64", aarch64: "SCMP_ARCH_AARCH64" };

/** Decodes a profile as Go's decoder does. @throws {TsdError} invalid_argument, if it is malformed */
export function parseSeccompProfile(text: string): SeccompProfile {
  const value = parsed(text);
  if (!isObject(value)) throw malformed("it is not an object");
  const profile = decode(value, PROFILE_SHAPE, (path, must) => malformed(`'${path}' is not ${must}`));
  for (const call of profile.syscalls ?? []) checkSyscall(call);
  return profile;
}

function parsed(text: string): unknown {
  const size = measureJson(text);
  if (size.depth > MAX_DEPTH) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
  try {
    const twice = duplicateKey(text, JSON.parse(text), size);
    if (twice !== undefined) {
      throw malformed(`the key ${JSON.stringify(twice.slice(0, 80))} stands twice in one object`);
    }
    return JSON.parse(text, exactNumber);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw malformed(cause.message, cause);
  }
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
  const native = SCMP_ARCH[context.arch] ?? "unknown";
  const mapped = archMap.find((entry) => entry.architecture === native);
  const architectureNames = architectures ?? (mapped ? [native, ...mapped.subArchitectures ?? []] : []);
  return {
    ...rest,
    defaultAction,
    ...architectureNames.length > 0 ? { architectures: architectureNames } : {},
    syscalls: rules.filter((rule) => applies(rule, context)).map(toOci),
  };
}

function applies({ includes, excludes }: Decoded<ProfileSyscall>, context: SeccompContext): boolean {
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

function toOci({ name, names = [], action = "", errnoRet, args = [] }: Decoded<ProfileSyscall>): OciSyscallRule {
  return {
    names: name ? [name] : names,
    action,
    ...errnoRet === undefined ? {} : { errnoRet },
    ...args.length > 0 ? { args: args as readonly OciSyscallArg[] } : {},
  };
}

function kernelVersion(text: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (!match) throw malformed(`${JSON.stringify(text)} is not a kernel version (as in 4.8)`);
  return [Number(match[1]), Number(match[2])];
}

function checkSyscall({ name, names = [], action }: Decoded<ProfileSyscall>): void {
  if (action === undefined) throw malformed("each of 'syscalls' needs an 'action'");
  if (name && names.length > 0) {
    throw new TsdError(
      "invalid_argument",
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    );
  }
  if (!name && names.length === 0) throw malformed("each of 'syscalls' needs 'names'");
}

// Arguments are unsigned 64-bit numbers; a double would round the large ones.
function exactNumber(_key: string, value: unknown, context?: { readonly source: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return context && /^\d+$/.test(context.source) ? uint64(BigInt(context.source)) : value;
}

function malformed(why: string, cause?: unknown): TsdError {
  return new TsdError("invalid_argument", `Decoding seccomp profile failed: ${why}`, { cause });
}
