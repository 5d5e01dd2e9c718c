/**
 * @module
 * Generates the mounts of a container: the standard ones, the engine's files in `/etc`, and the user's, in mount order
 * (runtime-spec `config.md`, "Mounts").
 */
import { posix } from "node:path";
import { TsdError } from "../../errors.ts";
import type { BindMount, ContainerMount, SpecInput, SpecSettings } from "./input.ts";
import type { OciMount } from "./oci.ts";
import { mergeTmpfsOptions } from "./tmpfs_options.ts";

/** Default size of `/dev/shm`. */
export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
/** Path in the container at which the engine's init program is mounted. */
export const INIT_PATH = "/sbin/docker-init";

const system = (destination: string, type: string, source: string, options: readonly string[]): OciMount => ({
  destination,
  type,
  source,
  options,
});

const NOSUID_NOEXEC_NODEV = ["nosuid", "noexec", "nodev"];
const DEV_PTS = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];

/** Returns all mounts in order. A mount of the user or the engine replaces the standard mount with the same target. */
export function mounts(input: SpecInput): OciMount[] {
  const custom = userMounts(input);
  const targets = new Set(custom.map((mount) => mount.target));
  const standard = systemMounts(input).filter(({ destination }) =>
    !targets.has(destination) && !(targets.has("/dev") && destination.startsWith("/dev/"))
  );
  return [...standard, ...custom.map((mount) => ociMount(mount, input.host.recursiveReadOnly))];
}

/** Returns the root propagation if a mount of the user requires more than runc's default; undefined otherwise. */
export function rootfsPropagation(all: readonly ContainerMount[]): "shared" | "rslave" | undefined {
  const requested = all.map((mount) => mount.kind === "tmpfs" ? undefined : mount.propagation);
  if (requested.some((mode) => mode === "shared" || mode === "rshared")) return "shared";
  return requested.some((mode) => mode === "slave" || mode === "rslave") ? "rslave" : undefined;
}

/**
 * Validates the mounts of a container.
 * @throws {TsdError} invalid_argument with Docker's text for an invalid or duplicate target, an invalid tmpfs option or
 * an unsupported mode
 */
export function validateMounts({ mounts, host }: SpecSettings): void {
  const targets = new Set<string>();
  for (const mount of mounts) {
    const { kind, target } = mount;
    if (!target.startsWith("/")) {
      throw new TsdError("invalid_argument", `invalid mount path: '${target}' mount path must be absolute`);
    }
    const path = cleanPath(target);
    if (path === "/") {
      const why = "invalid specification: destination can't be '/'";
      throw new TsdError("invalid_argument", `invalid mount config for type "${kind}": ${why}`);
    }
    if (targets.has(path)) throw new TsdError("invalid_argument", `Duplicate mount point: ${path}`);
    targets.add(path);
    if (mount.kind === "tmpfs") mergeTmpfsOptions(mount.options);
    else readOnlyOption(mount, host.recursiveReadOnly);
  }
}

/** Returns an absolute path without `.`, `..`, duplicate and trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(`/${path}`);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

function systemMounts(input: SpecInput): OciMount[] {
  const { privileged, writableCgroups = privileged, shmSizeBytes, init, pid } = input;
  const readOnly = (yes: boolean) => yes ? ["ro"] : [];
  const all = [
    system("/proc", "proc", "proc", NOSUID_NOEXEC_NODEV),
    system("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    system("/dev/pts", "devpts", "devpts", DEV_PTS),
    system("/sys", "sysfs", "sysfs", [...NOSUID_NOEXEC_NODEV, ...readOnly(!privileged)]),
    // On cgroup v2, runc mounts a cgroup2 filesystem for this type.
    system("/sys/fs/cgroup", "cgroup", "cgroup", [...readOnly(!writableCgroups), ...NOSUID_NOEXEC_NODEV]),
    system("/dev/mqueue", "mqueue", "mqueue", NOSUID_NOEXEC_NODEV),
  ];
  if (input.ipc !== "none" && sharedMemorySource(input) === undefined) {
    const size = `size=${shmSizeBytes || DEFAULT_SHM_BYTES}`;
    all.push(system("/dev/shm", "tmpfs", "shm", [...NOSUID_NOEXEC_NODEV, "mode=1777", size]));
  }
  if (init && pid === "private") all.push(system(INIT_PATH, "bind", init.path, ["bind", "ro"]));
  return all;
}

const sharedMemorySource = ({ ipc, shmPath }: SpecInput): string | undefined =>
  shmPath ?? (ipc === "host" ? "/dev/shm" : undefined);

/** Returns the user's mounts and the engine's files, parents before children. The user's mounts take precedence. */
function userMounts(input: SpecInput): ContainerMount[] {
  const requested = input.mounts.map((mount) => ({ ...mount, target: cleanPath(mount.target) }));
  const targets = new Set(requested.map((mount) => mount.target));
  const managed = engineMounts(input).filter((mount) => !targets.has(mount.target));
  return [...requested, ...managed].sort((a, b) => depth(a.target) - depth(b.target));
}

function engineMounts(input: SpecInput): BindMount[] {
  const { resolvConf, hostname, hosts } = input.etcFiles ?? {};
  const bind = (source: string | undefined, target: string, readOnly: boolean): BindMount[] =>
    source === undefined ? [] : [{ kind: "bind", source, target, readOnly }];
  return [
    ...bind(resolvConf, "/etc/resolv.conf", input.readonlyRootfs),
    ...bind(hostname, "/etc/hostname", input.readonlyRootfs),
    ...bind(hosts, "/etc/hosts", input.readonlyRootfs),
    ...bind(input.ipc === "none" ? undefined : sharedMemorySource(input), "/dev/shm", false),
  ];
}

function ociMount(mount: ContainerMount, canRecurse: boolean): OciMount {
  if (mount.kind === "tmpfs") {
    return { destination: mount.target, type: "tmpfs", source: "tmpfs", options: mergeTmpfsOptions(mount.options) };
  }
  const options = [
    mount.recursive === false ? "bind" : "rbind",
    ...readOnlyOption(mount, canRecurse),
    mount.propagation ?? "rprivate",
  ];
  return { destination: mount.target, type: "bind", source: mount.source, options };
}

function readOnlyOption({ readOnly, recursiveReadOnly = "auto", target }: BindMount, canRecurse: boolean): string[] {
  if (!readOnly) return [];
  if (recursiveReadOnly === "force" && !canRecurse) {
    const why = "recursively read-only mounts need Linux 5.12 or later";
    throw new TsdError("invalid_argument", `Cannot mount ${target}: ${why}`);
  }
  return [canRecurse && recursiveReadOnly !== "off" ? "rro" : "ro"];
}

const depth = (path: string): number => path.split("/").length;
