/**
 * @module
 * What a container is, as the generator of its OCI configuration wants to know it: plain values with nothing left to
 * look up. No type of the Engine API appears here.
 */
import type { OciDevice } from "./oci.ts";
import type { HostInfo } from "./host.ts";
import type { SeccompProfile } from "./seccomp/profile.ts";

/** A namespace of the container's own, the host's, or an existing one by its path (`/proc/PID/ns/…`). */
export type NamespaceMode = "private" | "host" | { readonly path: string };

/**
 * `none` is an own network namespace with a loopback device only. With a path the container joins a namespace that the
 * engine made for it; `shared` says that it is another container's, whose sysctls stay as they are.
 */
export type NetworkMode = "host" | "none" | { readonly path: string; readonly shared?: boolean };

/** How mounts made later below a mount spread: mount_namespaces(7). */
export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

/** A file or folder of the host. A volume, or an image, differs in nothing but its name in messages. */
export interface BindMount {
  readonly kind: "bind" | "volume" | "image";
  /** Absolute path on the host; it exists. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Default: rprivate. */
  readonly propagation?: Propagation;
  /** Whether mounts below the source come along (default true). */
  readonly recursive?: boolean;
  /** Whether `readOnly` covers mounts below the source: where the machine can (default), never, or not without. */
  readonly recursiveReadOnly?: "auto" | "off" | "force";
}

/** Memory, with options of tmpfs(5): `size=64m`, `mode=1777`, `exec`. Defaults: noexec, nosuid, nodev. */
export interface TmpfsMount {
  readonly kind: "tmpfs";
  readonly target: string;
  readonly options: readonly string[];
}

export type ContainerMount = BindMount | TmpfsMount;

/** Files of the host that appear as the container's own `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf`. */
export interface EtcFiles {
  readonly hostname?: string;
  readonly hosts?: string;
  readonly resolvConf?: string;
}

/** Ids of the process; `additionalGids` are all supplementary groups, as they are set. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly umask?: number;
}

/** Limits of the container's cgroup. What is left out (or 0, as in Docker) is not limited. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1 is unlimited; left out with a memory limit it is twice that. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  /** 0 to 100; -1 is unset. */
  readonly memorySwappiness?: number;
  readonly oomKillDisable?: boolean;
  /** Billionths of a processor. */
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriodMicros?: number;
  readonly cpuQuotaMicros?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** 0 and -1 lift the limit. */
  readonly pidsLimit?: number;
  /** 10 to 1000. */
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly DeviceLimit[];
  /** Bytes a second. */
  readonly blkioReadBps?: readonly DeviceLimit[];
  readonly blkioWriteBps?: readonly DeviceLimit[];
  /** Operations a second. */
  readonly blkioReadIops?: readonly DeviceLimit[];
  readonly blkioWriteIops?: readonly DeviceLimit[];
}

/** A limit on a block device of the host. */
export interface DeviceLimit {
  readonly path: string;
  readonly value: number;
}

/** What the kernel knows a device by. */
export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** One `--ulimit`: `name` without RLIMIT_, in lower case; -1 is unlimited. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** A device node to make in the container, with what the devices cgroup allows on it (letters of `rwm`). */
export interface ContainerDevice extends OciDevice {
  readonly access: string;
}

/** What decides how much a process may do; the same for the container's first process and for exec. */
export interface ProcessPrivileges {
  readonly privileged: boolean;
  /** Names with or without `CAP_`, any case, or `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly ulimits?: readonly Ulimit[];
  readonly oomScoreAdj?: number;
}

/** How a process starts. */
export interface ProcessStart {
  /** At least one; see `processArgs`. */
  readonly args: readonly string[];
  /** Absolute; runc makes it when it is missing. */
  readonly cwd: string;
  /** Complete; see `mergeEnv`. */
  readonly env: readonly string[];
  readonly tty: boolean;
  /** Characters; only with `tty`. */
  readonly consoleSize?: { readonly rows: number; readonly columns: number } | undefined;
}

/** What is known of a container before it has a root file system: all that `validateSpecInput` looks at. */
export interface SpecSettings extends ProcessPrivileges, ProcessStart {
  readonly hostname: string;
  readonly domainname?: string;
  readonly network: NetworkMode;
  readonly ipc: NamespaceMode | "none";
  readonly pid: NamespaceMode;
  readonly uts: NamespaceMode;
  readonly cgroupns: NamespaceMode;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly ContainerMount[];
  readonly resources?: ResourceLimits;
  /** Size of `/dev/shm`; default 64 MiB. */
  readonly shmSizeBytes?: number;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Rules as `c 10:* rwm`. */
  readonly deviceCgroupRules?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly seccomp: "default" | "unconfined" | SeccompProfile;
  /** Left out: Docker's lists, or none when privileged. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Whether the mounted cgroup tree can be written; default: when privileged. */
  readonly writableCgroups?: boolean;
  readonly host: HostInfo;
}

/** Everything that `generateSpec` needs. */
export interface SpecInput extends SpecSettings {
  readonly containerId: string;
  /** The mounted root file system on the host. */
  readonly rootPath: string;
  readonly user: ProcessUser;
  readonly etcFiles?: EtcFiles;
  /** Device nodes besides the standard ones; see `hostDevices` for a privileged container. */
  readonly devices?: readonly ContainerDevice[];
  /** Numbers of the limited block devices, by path; see `blockDevices`. */
  readonly blockDevices?: ReadonlyMap<string, DeviceNumbers>;
  /** A folder or mount of the host to use as `/dev/shm` (default with the host's IPC namespace: the host's). */
  readonly shmPath?: string;
  /** A static init program of the host that becomes process 1; ignored without a private PID namespace. */
  readonly init?: { readonly path: string };
  /** See `cgroupsPath()`. */
  readonly cgroupsPath: string;
}
