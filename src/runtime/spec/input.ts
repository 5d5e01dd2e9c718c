/**
 * @module
 * The input of the OCI configuration generator: a container described by plain values, which need no further lookup. No
 * type of the Engine API appears here.
 */
import type { OciDevice } from "./oci.ts";
import type { HostInfo } from "./host.ts";
import type { SeccompProfile } from "./seccomp/profile.ts";

/** A new namespace, the host's, or an existing one by its path (`/proc/PID/ns/…`). */
export type NamespaceMode = "private" | "host" | { readonly path: string };

/**
 * `none` is a new network namespace with only a loopback device. With a path, the container joins a namespace that the
 * engine created for it; `shared` marks one that belongs to another container, whose sysctls must not change.
 */
export type NetworkMode = "host" | "none" | { readonly path: string; readonly shared?: boolean };

/** Mount propagation: mount_namespaces(7). */
export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

/** A file or directory of the host. `kind` only affects error messages. */
export interface BindMount {
  readonly kind: "bind" | "volume" | "image";
  /** Absolute path on the host, which must exist. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Default: rprivate. */
  readonly propagation?: Propagation;
  /** Whether mounts below the source are included (default true). */
  readonly recursive?: boolean;
  /** Whether `readOnly` covers mounts below the source: if the kernel supports it (default), never, or required. */
  readonly recursiveReadOnly?: "auto" | "off" | "force";
}

/** A tmpfs, with options of tmpfs(5): `size=64m`, `mode=1777`, `exec`. Defaults: noexec, nosuid, nodev. */
export interface TmpfsMount {
  readonly kind: "tmpfs";
  readonly target: string;
  readonly options: readonly string[];
}

export type ContainerMount = BindMount | TmpfsMount;

/** Paths of the host files mounted as the container's `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf`. */
export interface EtcFiles {
  readonly hostname?: string;
  readonly hosts?: string;
  readonly resolvConf?: string;
}

/** User and group ids of a process. `additionalGids` are all supplementary groups. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly umask?: number;
}

/** Limits of the container's cgroup. An omitted value (or 0, as in Docker) means no limit. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1 is unlimited. Defaults to twice the memory limit, if there is one. */
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
  /** 0 and -1 mean unlimited. */
  readonly pidsLimit?: number;
  /** 10 to 1000. */
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly DeviceLimit[];
  /** Bytes per second. */
  readonly blkioReadBps?: readonly DeviceLimit[];
  readonly blkioWriteBps?: readonly DeviceLimit[];
  /** Operations per second. */
  readonly blkioReadIops?: readonly DeviceLimit[];
  readonly blkioWriteIops?: readonly DeviceLimit[];
}

/** A limit on a block device of the host. */
export interface DeviceLimit {
  readonly path: string;
  readonly value: number;
}

/** Major and minor number of a device. */
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

/** A device node to create in the container, with the access that the devices cgroup allows (letters of `rwm`). */
export interface ContainerDevice extends OciDevice {
  readonly access: string;
}

/** The privileges of a process; the same for the container's init process and for exec. */
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

/** The program of a process and its environment. */
export interface ProcessStart {
  /** At least one argument; see `processArgs`. */
  readonly args: readonly string[];
  /** Absolute path; runc creates the directory if it is missing. */
  readonly cwd: string;
  /** The complete environment; see `mergeEnv`. */
  readonly env: readonly string[];
  readonly tty: boolean;
  /** In characters; only with `tty`. */
  readonly consoleSize?: { readonly rows: number; readonly columns: number } | undefined;
}

/** The settings of a container that don't depend on its root filesystem: the input of `validateSpecInput`. */
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
  /** Rules of the form `c 10:* rwm`. */
  readonly deviceCgroupRules?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly seccomp: "default" | "unconfined" | SeccompProfile;
  /** Default: Docker's paths, or none for a privileged container. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Whether the cgroup filesystem is mounted read-write; by default only for a privileged container. */
  readonly writableCgroups?: boolean;
  readonly host: HostInfo;
}

/** The input of `generateSpec`. */
export interface SpecInput extends SpecSettings {
  readonly containerId: string;
  /** Path of the mounted root filesystem on the host. */
  readonly rootPath: string;
  readonly user: ProcessUser;
  readonly etcFiles?: EtcFiles;
  /** Device nodes besides the standard ones; see `hostDevices` for a privileged container. */
  readonly devices?: readonly ContainerDevice[];
  /** Numbers of the limited block devices, by path; see `blockDevices`. */
  readonly blockDevices?: ReadonlyMap<string, DeviceNumbers>;
  /**
   * Directory of the host to mount as `/dev/shm`. With the host's IPC namespace, the default is the host's `/dev/shm`.
   */
  readonly shmPath?: string;
  /** A static init program on the host that runs as PID 1; ignored without a private PID namespace. */
  readonly init?: { readonly path: string };
  /** See `cgroupsPath()`. */
  readonly cgroupsPath: string;
}
