/**
 * @module
 * The subset of the OCI runtime configuration that tsd writes (runtime-spec 1.0.2, `config.md`, `config-linux.md`),
 * with the specification's field names, and its JSON encoding. How the values are determined is not part of this
 * module.
 */

/** The specification version of every `config.json`. No newer feature is used, so that runc 1.1 accepts it. */
export const OCI_VERSION = "1.0.2";

/** `config.json`. */
export interface OciSpec {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  /** Omitted if the container shares the host's UTS namespace. */
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly hooks?: OciHooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: OciLinux;
}

/** A program of the host that the runtime runs at one stage of the container's lifecycle. */
export interface OciHook {
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  /** In seconds. */
  readonly timeout?: number | undefined;
}

/** The hooks of each stage, in order. */
export interface OciHooks {
  readonly prestart?: readonly OciHook[] | undefined;
  readonly createRuntime?: readonly OciHook[] | undefined;
  readonly createContainer?: readonly OciHook[] | undefined;
  readonly startContainer?: readonly OciHook[] | undefined;
  readonly poststart?: readonly OciHook[] | undefined;
  readonly poststop?: readonly OciHook[] | undefined;
}

/** The `process` object; also the entire file for `runc exec --process`. */
export interface OciProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: OciUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly rlimits?: readonly OciRlimit[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
}

export interface OciUser {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids: readonly number[];
}

/** Capability names (`CAP_CHOWN`) of each set. The sets that are not listed here are empty. */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
}

/** A resource limit; the largest number means unlimited. */
export interface OciRlimit {
  readonly type: string;
  readonly soft: Uint64;
  readonly hard: Uint64;
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciLinux {
  readonly cgroupsPath: string;
  readonly namespaces: readonly OciNamespace[];
  readonly devices: readonly OciDevice[];
  readonly resources: OciResources;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: OciSeccomp;
  readonly rootfsPropagation?: string;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

export type OciNamespaceType = "mount" | "network" | "uts" | "pid" | "ipc" | "cgroup";

/** A namespace: an existing one with `path`, a new one without. */
export interface OciNamespace {
  readonly type: OciNamespaceType;
  readonly path?: string;
}

export interface OciDevice {
  readonly path: string;
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Permission bits of the node. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A rule of the devices cgroup; an omitted number matches all. */
export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: "a" | "b" | "c";
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export interface OciResources {
  readonly devices: readonly OciDeviceRule[];
  readonly memory?: OciMemory;
  readonly cpu?: OciCpu;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: OciBlockIo;
}

/** The limits that can be changed while a container runs. */
export type OciLimits = Omit<OciResources, "devices">;

/** Block I/O limits: weights from 10 to 1000; rates in bytes or operations per second. */
export interface OciBlockIo {
  readonly weight?: number;
  readonly weightDevice?: readonly (OciDeviceNumbers & { readonly weight: number })[];
  readonly throttleReadBpsDevice?: readonly OciThrottle[];
  readonly throttleWriteBpsDevice?: readonly OciThrottle[];
  readonly throttleReadIOPSDevice?: readonly OciThrottle[];
  readonly throttleWriteIOPSDevice?: readonly OciThrottle[];
}

interface OciDeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

export interface OciThrottle extends OciDeviceNumbers {
  readonly rate: number;
}

/** Memory limits in bytes. */
export interface OciMemory {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

/** CPU limits; quota and period in microseconds. */
export interface OciCpu {
  readonly shares?: number;
  readonly quota?: number;
  readonly period?: number;
  readonly cpus?: string;
  readonly mems?: string;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls: readonly OciSyscallRule[];
}

export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly OciSyscallArg[];
}

/** A condition on one argument of a system call. */
export interface OciSyscallArg {
  readonly index: number;
  readonly value: Uint64;
  readonly valueTwo?: Uint64;
  readonly op: string;
}

/**
 * An unsigned 64-bit number in JSON. A value that a double can't represent is an object that `JSON.stringify` writes
 * with all digits (ECMAScript's `JSON.rawJSON`).
 */
export type Uint64 = number | { readonly rawJSON: string };

// TypeScript's library doesn't declare it yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): { readonly rawJSON: string } };

/** Returns `value` in a form of which `JSON.stringify` preserves every digit. */
export function uint64(value: bigint): Uint64 {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : rawJSON(value.toString());
}

/** Returns the contents of `config.json` or `process.json`. */
export function ociJson(value: OciSpec | OciProcess): string {
  return JSON.stringify(value);
}
