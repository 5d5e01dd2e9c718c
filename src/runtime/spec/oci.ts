/**
 * @module
 * The part of the OCI runtime configuration that tsd writes (runtime-spec 1.0.2, `config.md`, `config-linux.md`), in
 * the specification's own field names, and its JSON form. It knows nothing of how the values come about.
 */

/** The specification's version in every `config.json`; nothing newer is used, so that runc 1.1 takes it. */
export const OCI_VERSION = "1.0.2";

/** `config.json`. */
export interface OciSpec {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  /** Left out when the container shares the host's UTS namespace. */
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly hooks?: OciHooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: OciLinux;
}

/** A program of the host that the runtime runs at some stage of a container's life. */
export interface OciHook {
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  /** In seconds. */
  readonly timeout?: number | undefined;
}

/** By stage, in order. */
export interface OciHooks {
  readonly prestart?: readonly OciHook[] | undefined;
  readonly createRuntime?: readonly OciHook[] | undefined;
  readonly createContainer?: readonly OciHook[] | undefined;
  readonly startContainer?: readonly OciHook[] | undefined;
  readonly poststart?: readonly OciHook[] | undefined;
  readonly poststop?: readonly OciHook[] | undefined;
}

/** The `process` object; also the whole file for `runc exec --process`. */
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

/** Capability names (`CAP_CHOWN`) per set; sets that are left out are empty. */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
}

/** The largest number means "no limit". */
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

/** With a path an existing namespace is joined, without one a new one is made. */
export interface OciNamespace {
  readonly type: OciNamespaceType;
  readonly path?: string;
}

export interface OciDevice {
  readonly path: string;
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A rule of the devices cgroup; numbers that are left out match all. */
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

/** What can be changed while a container runs. */
export type OciLimits = Omit<OciResources, "devices">;

/** Weights from 10 to 1000; bytes or operations a second. */
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

/** Bytes. */
export interface OciMemory {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

/** Quota and period in microseconds. */
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
 * An unsigned 64-bit number in JSON. What a double can't hold is an object that `JSON.stringify` writes digit by digit
 * (ECMAScript's `JSON.rawJSON`).
 */
export type Uint64 = number | { readonly rawJSON: string };

// The type library does not describe it yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): { readonly rawJSON: string } };

/** `value` so that `JSON.stringify` keeps every digit. */
export function uint64(value: bigint): Uint64 {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : rawJSON(value.toString());
}

/** The contents of `config.json` or `process.json`. */
export function ociJson(value: OciSpec | OciProcess): string {
  return JSON.stringify(value);
}
