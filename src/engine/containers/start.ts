/**
 * @module
 * Starts a created container: root filesystem, `/etc` files, user, OCI configuration, streams, then the runtime's
 * `create` and `start`. Each step that must be undone is on one stack, so that a failure leaves nothing.
 */
import { TsdError } from "../../errors.ts";
import { type MountCalls, OwnedFd, type ProcessCalls, processStartTime, processStat } from "../../sys/mod.ts";
import { etcFiles } from "../../network/etc_files.ts";
import { storageError } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import type { HookBus, HookDirs } from "../../plugins/mod.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import {
  type ContainerMount,
  DEFAULT_SHM_BYTES,
  generateSpec,
  type HostInfo,
  ociJson,
  type OciSpec,
  resolveUser,
  rootAccountFiles,
} from "../../runtime/spec/mod.ts";
import type { Snapshotter } from "../../store/driver.ts";
import { makeBundle, removeTree } from "../directories.ts";
import { containerCgroup, containerPaths, type EnginePaths } from "../paths.ts";
import type { ContainerNetworks } from "../networks/container_networks.ts";
import { writeResolvConf } from "../networks/resolver_files.ts";
import type { Runtimes } from "./runtimes.ts";
import { Stopwatch } from "../../async/stopwatch.ts";
import type { Container } from "../model/container.ts";
import { connectedContext } from "../model/hook_payloads.ts";
import { initProgram } from "./init_program.ts";
import type { NamespaceJoiner, SharedNamespaces } from "./shared_namespaces.ts";
import type { FdHolders } from "./fd_holders.ts";
import type { OrphanedCgroups } from "./orphaned_cgroups.ts";
import { prepareSources } from "./mount_sources.ts";
import type { CopyUp } from "../volumes/copy_up.ts";
import type { VolumeMounts } from "../volumes/volume_mounts.ts";
import { mountsOf } from "../model/mounts.ts";
import { specSettings } from "./container_spec.ts";
import { etcSettings } from "../networks/etc_settings.ts";
import { mountSharedMemory, sharedMemoryPath, unmountSharedMemory } from "./shared_memory.ts";
import { exists } from "../../io/if_exists.ts";
import { specDevices } from "./spec_devices.ts";

/** The init process of a container. */
export interface StartedProcess {
  readonly pid: number;
  /** Start time in clock ticks since boot, in decimal (field 22 of `/proc/PID/stat`). */
  readonly startTicks: string;
  /** Pidfd of the process; the caller closes it. */
  readonly pidFd: OwnedFd;
}

export interface ContainerStarterDeps {
  readonly paths: EnginePaths;
  readonly snapshots: Snapshotter;
  readonly runtimes: Pick<Runtimes, "of" | "ofIfKnown">;
  readonly namespaces: Pick<NamespaceJoiner, "join" | "networkOwner">;
  readonly networks: Pick<ContainerNetworks, "start" | "stop" | "endpointsOf" | "hostGateway" | "nameServerOf">;
  readonly volumes: Pick<VolumeMounts, "mount" | "release" | "unmount" | "hasOptions" | "isMounted">;
  readonly filling: Pick<CopyUp, "finish">;
  readonly mounts: Pick<MountCalls, "mount" | "umount2">;
  readonly processes: Pick<ProcessCalls, "pidfdOpen">;
  readonly orphanedCgroups: Pick<OrphanedCgroups, "remove">;
  readonly info: HostInfo;
  readonly log: Log;
  readonly fdHolders: Pick<FdHolders, "start" | "stop">;
  readonly hooks: Pick<HookBus, "callSequential">;
  /** The host's OCI hooks. */
  readonly hookDirs: Pick<HookDirs, "hooksFor">;
}

/** What the OCI configuration takes from elsewhere. */
interface SpecSources {
  readonly joined: SharedNamespaces;
  readonly mounts: readonly ContainerMount[];
}

/** Starts containers, and cleans up after their tasks. */
export class ContainerStarter {
  readonly #deps: ContainerStarterDeps;

  constructor(deps: ContainerStarterDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a container's task. `created` is called before the process executes anything, so that a record exists
   * whatever happens afterwards.
   * @throws {TsdError} user_unknown, command_not_found, command_not_executable, runtime_*, storage, invalid_argument,
   * permission_denied (a plugin refuses)
   */
  async start(
    container: Container,
    io: ProcessStdio,
    created: (process: StartedProcess) => void,
  ): Promise<void> {
    const { paths, snapshots, processes, fdHolders, log } = this.#deps;
    const { bundle, home } = containerPaths(paths, container.id);
    await using undo = new AsyncDisposableStack();
    // Registered first: attached clients wait for the end of the output, whatever fails.
    undo.defer(() => io.discard());
    const runtime = this.#deps.runtimes.of(container);
    runtime.prepare();
    const watch = new Stopwatch();
    // The directory is created first and removed last: without it there is nothing to clean up.
    if (exists(bundle)) await this.clean(container);
    undo.defer(() => this.clean(container));
    makeBundle(paths, container.id);
    // The container's own directory is not synced, so a power cut may have removed it.
    Deno.mkdirSync(home, { recursive: true, mode: 0o710 });
    // Other processes create the interfaces, so that this runs in parallel.
    const connecting = this.#deps.networks.start(container);
    // Other threads open the streams.
    const opening = io.open();
    undo.defer(() => Promise.allSettled([connecting, opening]).then(() => undefined));
    const { root } = await snapshots.mount(container.id);
    watch.lap("mount");
    using joined = this.#deps.namespaces.join(container);
    await this.#deps.filling.finish(container);
    using seen = await this.#deps.volumes.mount(container);
    const sandbox = await connecting;
    watch.lap("network");
    if (sandbox !== undefined) await this.#notifyConnected(container, sandbox.path);
    const shared = { ...this.#sharing(container, bundle, joined), ...(sandbox !== undefined && { net: sandbox.path }) };
    const { hooks } = await this.#writeSpec(container, root, bundle, { joined: shared, mounts: seen.mounts });
    watch.lap("spec");
    const streams = await opening;
    watch.lap("streams");
    const { pid } = await runtime.create({ id: container.id, bundle, ...streams });
    watch.lap("create");
    await io.started();
    const pidFd = new OwnedFd(processes.pidfdOpen(directChild(pid)));
    undo.defer(() => pidFd[Symbol.dispose]());
    created({ pid, startTicks: startTicksOf(pid), pidFd });
    fdHolders.start(container.id, pidFd, io);
    watch.lap("record");
    await runtime.start(container.id, pid, { hasPoststart: hooks?.poststart !== undefined });
    watch.lap("start");
    log.debug("phases of a start", { container: container.id, ...watch.fields });
    undo.move();
  }

  /** Notifies plugins before the process is created; one that refuses prevents it. */
  #notifyConnected(container: Container, netns: string): Promise<void> {
    const { hooks, networks } = this.#deps;
    return hooks.callSequential(
      "network.ready",
      () => connectedContext(container, netns, networks.endpointsOf(container)),
    );
  }

  /** Adds the container's own shared memory if others may join it. */
  #sharing({ record }: Container, bundle: string, joined: SharedNamespaces): SharedNamespaces {
    const { IpcMode: mode, ShmSize: sizeBytes } = record.hostConfig;
    const hasOwn = mountsOf(record).some(({ mount }) => mount.target === "/dev/shm");
    if (mode !== "shareable" || hasOwn) return joined;
    mountSharedMemory(bundle, sizeBytes || DEFAULT_SHM_BYTES, this.#deps.mounts);
    return { ...joined, shmPath: sharedMemoryPath(bundle) };
  }

  /**
   * Releases what others could notice of a task that is over, so that they can use it as soon as the exit is reported.
   * What takes time and nobody can notice is left to {@link clean}.
   * @throws {TsdError} runtime_failed, timeout; {SysError}
   */
  async release(container: Container): Promise<void> {
    try {
      if (this.isSeen(container)) await this.#deleteAll(container);
    } finally {
      await this.#deps.volumes.release(container);
    }
  }

  /**
   * Returns whether more of a task than its init process is visible to others: processes that don't exit with it
   * because they are in another container's pid namespace, a cgroup below the caller's parent, or mounts of a volume.
   */
  isSeen(container: Container): boolean {
    const { PidMode, CgroupParent } = container.record.hostConfig;
    return Boolean(PidMode) || Boolean(CgroupParent) || this.#deps.volumes.hasOptions(container);
  }

  /** Cleans up after a task, also one of a killed engine. Each step is tried, whatever the others do. */
  async clean(container: Container): Promise<void> {
    const { paths, snapshots, fdHolders, volumes } = this.#deps;
    // Before the directory that names it is removed.
    fdHolders.stop(container.id);
    const steps = await Promise.allSettled([
      this.#deleteAll(container),
      snapshots.unmount(container.id),
      this.#deps.networks.stop(container.id),
    ]);
    for (const step of steps) if (step.status === "rejected") throw step.reason;
    const { bundle } = containerPaths(paths, container.id);
    unmountSharedMemory(bundle, this.#deps.mounts);
    if (exists(bundle) || volumes.isMounted(container)) await volumes.unmount(container);
    await removeTree(bundle);
  }

  /**
   * Deletes the runtime's state, also of a container whose runtime is no longer in the configuration. If another
   * program removes the runtime's state at the same time, the runtime leaves the cgroups and reports no error.
   */
  async #deleteAll(container: Container): Promise<void> {
    await this.#deps.runtimes.ofIfKnown(container)?.delete(container.id, true);
    await this.#deps.orphanedCgroups.remove(container.id);
  }

  async #writeSpec(container: Container, root: string, bundle: string, seen: SpecSources): Promise<OciSpec> {
    const { joined } = seen;
    const { paths, info } = this.#deps;
    const { config, hostConfig } = container.record;
    await prepareSources(mountsOf(container.record));
    const { user, home } = resolveUser(config.User ?? "", rootAccountFiles(root), hostConfig.GroupAdd ?? []);
    const { spec } = generateSpec({
      ...specSettings(config, hostConfig, info, { home, ...seen }),
      containerId: container.id,
      rootPath: root,
      user,
      etcFiles: this.#writeEtcFiles(container),
      ...await initProgram(hostConfig),
      ...joined.shmPath === undefined ? {} : { shmPath: joined.shmPath },
      ...await specDevices(hostConfig),
      cgroupsPath: `/${containerCgroup(paths, container)}`,
    });
    const hooks = this.#deps.hookDirs.hooksFor(hooked(container, spec), container.record.ociHooks);
    const whole = hooks === undefined ? spec : { ...spec, hooks };
    filesOf(bundle, () => Deno.writeTextFileSync(`${bundle}/config.json`, ociJson(whole), { mode: 0o600 }));
    return whole;
  }

  /** Writes synchronously, like all small files here: switching to another thread takes longer than writing them. */
  #writeEtcFiles(container: Container): { hostname: string; hosts: string; resolvConf: string } {
    const { paths, namespaces, networks } = this.#deps;
    const { config, hostConfig } = container.record;
    const owner = namespaces.networkOwner(hostConfig);
    const files = etcPaths(containerPaths(paths, (owner ?? container).id).home);
    // A container that shares another one's network shares its names too.
    if (owner !== undefined) return files;
    const leases = networks.endpointsOf(container).endpoints.flatMap(({ lease }) => lease ?? []);
    const network = {
      addresses: leases.flatMap(({ address, six }) => [address, ...six ? [six.address] : []]),
      hostGateway: networks.hostGateway,
      nameServer: networks.nameServerOf(container),
    };
    const contents = etcFiles({
      ...etcSettings(config, hostConfig, network),
      hostHosts: readOptional("/etc/hosts"),
      hostResolvConf: readOptional("/etc/resolv.conf"),
    });
    const { home, bundle } = containerPaths(paths, container.id);
    filesOf(home, () => {
      for (const name of ["hostname", "hosts"] as const) {
        Deno.writeTextFileSync(files[name], contents[name], { mode: 0o644 });
      }
    });
    filesOf(bundle, () => writeResolvConf(files.resolvConf, bundle, contents.resolvConf));
    return files;
  }
}

/** Writes files in a directory of the container. @throws {TsdError} storage, storage_full */
function filesOf(dir: string, write: () => void): void {
  try {
    write();
  } catch (thrown) {
    throw storageError(`Cannot write the container's files in ${dir}`, thrown);
  }
}

/** Returns what the conditions of OCI hooks refer to. */
const hooked = ({ record }: Container, { annotations = {}, process }: OciSpec) => ({
  annotations,
  command: process.args[0] ?? "",
  hasBindMounts: mountsOf(record).some(({ mount }) => mount.kind === "bind"),
});

const etcPaths = (home: string) => ({
  hostname: `${home}/hostname`,
  hosts: `${home}/hosts`,
  resolvConf: `${home}/resolv.conf`,
});

/**
 * Finds the container's process among the engine's children: as the engine is a subreaper, the processes that the
 * runtime leaves are its children. No other process may be taken for a container's.
 */
function directChild(pid: number): number {
  const parent = processStat(pid)?.parentPid;
  if (parent === Deno.pid) return pid;
  const what = parent === undefined ? "which has ended" : "which it did not start";
  throw new TsdError("runtime_failed", `The runtime named process ${pid}, ${what}`);
}

function startTicksOf(pid: number): string {
  const ticks = processStartTime(pid);
  if (ticks !== undefined) return String(ticks);
  throw new TsdError("runtime_failed", `The container's process ${pid} ended before it was started`);
}

function readOptional(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
