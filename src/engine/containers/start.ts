/**
 * @module
 * From a created container to a running process: root file system, /etc files, user, OCI configuration, streams,
 * `create`, `start`. Each step that must be undone is on one stack, so a failure anywhere leaves nothing.
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

/** A container's first process. */
export interface StartedProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  /** Names the process even when its pid is used again; the caller closes it. */
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
  /** The machine's own hooks for the runtime. */
  readonly hookDirs: Pick<HookDirs, "hooksFor">;
}

/** What a container gets from elsewhere. */
interface SpecSources {
  readonly joined: SharedNamespaces;
  readonly mounts: readonly ContainerMount[];
}

/** Starts containers and clears away what a run leaves. */
export class ContainerStarter {
  readonly #deps: ContainerStarterDeps;

  constructor(deps: ContainerStarterDeps) {
    this.#deps = deps;
  }

  /**
   * Runs a container's process. `created` is told of it before it executes anything, so that a record of it exists
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
    // First of all: whoever attached waits for the end of output, whatever goes wrong.
    undo.defer(() => io.discard());
    const runtime = this.#deps.runtimes.of(container);
    runtime.prepare();
    const watch = new Stopwatch();
    // The folder is the first thing of a run and the last one to go: without it there is nothing to clean.
    if (exists(bundle)) await this.clean(container);
    undo.defer(() => this.clean(container));
    makeBundle(paths, container.id);
    // Of the container's own folder nothing is synced: a power cut may have taken it.
    Deno.mkdirSync(home, { recursive: true, mode: 0o710 });
    // Interfaces are made by other processes, so there is something to do meanwhile.
    const connecting = this.#deps.networks.start(container);
    // Nor is it this thread that opens the streams.
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

  /** Before its process is made: whoever refuses keeps it from being. */
  #notifyConnected(container: Container, netns: string): Promise<void> {
    const { hooks, networks } = this.#deps;
    return hooks.callSequential(
      "network.ready",
      () => connectedContext(container, netns, networks.endpointsOf(container)),
    );
  }

  /** With its own shared memory where others may join it. */
  #sharing({ record }: Container, bundle: string, joined: SharedNamespaces): SharedNamespaces {
    const { IpcMode: mode, ShmSize: sizeBytes } = record.hostConfig;
    const hasOwn = mountsOf(record).some(({ mount }) => mount.target === "/dev/shm");
    if (mode !== "shareable" || hasOwn) return joined;
    mountSharedMemory(bundle, sizeBytes || DEFAULT_SHM_BYTES, this.#deps.mounts);
    return { ...joined, shmPath: sharedMemoryPath(bundle) };
  }

  /**
   * Takes away what others could see of a run that is over: they may use it again as soon as they are told of the end. All
   * that takes time and that nobody can see is left to {@link clean}.
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
   * Whether others can see more of a run than its first process: processes that don't end with that one, because they have
   * a pid namespace of others, the cgroup below a parent of the caller's, what a volume has mounted.
   */
  isSeen(container: Container): boolean {
    const { PidMode, CgroupParent } = container.record.hostConfig;
    return Boolean(PidMode) || Boolean(CgroupParent) || this.#deps.volumes.hasOptions(container);
  }

  /** Takes away what a run left, also one that a killed engine had not finished. Each step is tried, whatever the others do. */
  async clean(container: Container): Promise<void> {
    const { paths, snapshots, fdHolders, volumes } = this.#deps;
    // Before the folder in which it is named.
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
   * Also of a container whose runtime is not in the configuration any more. The runtime leaves the cgroups if another program
   * removes what it knows of the container at the same time, and says nothing.
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

  /** Synchronously, as all small files here: another thread takes longer to get to them than they take. */
  #writeEtcFiles(container: Container): { hostname: string; hosts: string; resolvConf: string } {
    const { paths, namespaces, networks } = this.#deps;
    const { config, hostConfig } = container.record;
    const owner = namespaces.networkOwner(hostConfig);
    const files = etcPaths(containerPaths(paths, (owner ?? container).id).home);
    // Whoever has another one's network has its names too.
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

/** Writes files in a folder of the container. @throws {TsdError} storage, storage_full */
function filesOf(dir: string, write: () => void): void {
  try {
    write();
  } catch (thrown) {
    throw storageError(`Cannot write the container's files in ${dir}`, thrown);
  }
}

/** What conditions of hooks are about. */
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

/** The engine is a subreaper: what the runtime leaves behind is its child. Nothing else may be taken for a container. */
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
