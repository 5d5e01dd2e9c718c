/**
 * @module
 * Generates the default seccomp filter of a container, which depends on its capabilities and the machine.
 */
import type { OciSeccomp, OciSyscallArg, OciSyscallRule } from "../oci.ts";
import {
  ALLOWED,
  ALLOWED_ON_ARCH,
  ALLOWED_SINCE,
  ALLOWED_WITH_CAPABILITY,
  ARCHITECTURES,
  type ArgCondition,
  type CallRule,
  RULES,
} from "./default_profile.ts";

/** The container's and the machine's properties on which a filter depends. */
export interface SeccompContext {
  /** The container's bounding set, as full names. */
  readonly capabilities: readonly string[];
  /** `x86_64` or `aarch64`. */
  readonly arch: string;
  /** Kernel release, such as `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** Whether the kernel runs x32 programs, or may run them. */
  readonly x32: boolean;
}

const EPERM = 1;
/**
 * Its part of the filter takes the runtime a quarter of the time to create a container, so it is included only if the
 * kernel may run such programs.
 */
const X32 = "SCMP_ARCH_X32";

/** Returns the default filter of a container. */
export function defaultSeccomp(context: SeccompContext): OciSeccomp {
  const isAdmin = context.capabilities.includes("CAP_SYS_ADMIN");
  const rules = RULES.filter((rule) => !(rule.exceptSysAdmin && isAdmin)).map(toOci);
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    architectures: (ARCHITECTURES[context.arch] ?? []).filter((name) => context.x32 || name !== X32),
    syscalls: [{ names: allowedNames(context), action: "SCMP_ACT_ALLOW" }, ...rules],
  };
}

/** Returns whether a kernel release is at least the given version. */
export function kernelAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (!match) return false;
  const [actualMajor, actualMinor] = [Number(match[1]), Number(match[2])];
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

function allowedNames({ capabilities, arch, kernel }: SeccompContext): string[] {
  const names = new Set([...ALLOWED, ...ALLOWED_ON_ARCH[arch] ?? []]);
  const more = capabilities.flatMap((capability) => ALLOWED_WITH_CAPABILITY[capability] ?? []);
  if (kernelAtLeast(kernel, ALLOWED_SINCE.kernel)) more.push(...ALLOWED_SINCE.names);
  for (const name of more) names.add(name);
  return [...names].sort();
}

function toOci(rule: CallRule): OciSyscallRule {
  const names = [rule.name];
  if (rule.when === undefined) return { names, action: "SCMP_ACT_ERRNO", errnoRet: rule.errno ?? EPERM };
  return { names, action: "SCMP_ACT_ALLOW", args: [toArg(rule.when)] };
}

function toArg({ index, op, value, valueTwo }: ArgCondition): OciSyscallArg {
  const arg = { index, value, op: `SCMP_CMP_${op}` };
  return valueTwo === undefined ? arg : { ...arg, valueTwo };
}
