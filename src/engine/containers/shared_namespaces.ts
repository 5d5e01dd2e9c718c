/**
 * @module
 * `--pid`, `--ipc` and `--network container:NAME`: joins namespaces of other containers. They are held open while a
 * container is created, so that it joins those of the process that was checked and never those of a process that reused
 * its pid.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { isTsdError, prefixed, toTsdError, TsdError } from "../../errors.ts";
import type { FileCalls } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { type Container, isLive, type LiveState, refuseRestarting } from "../model/container.ts";
import { joinContainer, namedContainer } from "../model/container_mode.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { openNamespace } from "../../runtime/process_namespace.ts";
import { sharedMemoryPath } from "./shared_memory.ts";

/** Namespaces of other containers, as paths that are valid until this is disposed of. */
export interface SharedNamespaces {
  readonly pid?: string;
  readonly ipc?: string;
  /** Another container's network namespace, or one that the engine created. */
  readonly net?: string;
  /** The path to mount as `/dev/shm`. */
  readonly shmPath?: string;
}

type Opened = Disposable & { readonly path: string };

export interface NamespaceJoinerDeps {
  readonly table: Pick<ContainerTable, "find">;
  readonly paths: EnginePaths;
  readonly files: Pick<FileCalls, "open" | "close">;
}

/** Resolves and opens namespaces of other containers. */
export class NamespaceJoiner {
  readonly #deps: NamespaceJoinerDeps;

  constructor(deps: NamespaceJoinerDeps) {
    this.#deps = deps;
  }

  /**
   * Replaces names of containers in modes by ids, so that they survive a rename. A missing container is reported at the
   * start, as in Docker.
   */
  byId(host: HostConfig): HostConfig {
    const fixed = (mode: string | undefined) => {
      const name = namedContainer(mode);
      if (name === undefined) return mode;
      try {
        return joinContainer(this.#deps.table.find(name).id);
      } catch (thrown) {
        if (toTsdError(thrown).meaning.http >= 500) throw thrown;
        return mode;
      }
    };
    const [pid, ipc, net] = [fixed(host.PidMode), fixed(host.IpcMode), fixed(host.NetworkMode)];
    return {
      ...host,
      ...(pid !== undefined && { PidMode: pid }),
      ...(ipc !== undefined && { IpcMode: ipc }),
      ...(net !== undefined && { NetworkMode: net }),
    };
  }

  /**
   * Returns the container whose network a configuration shares, or undefined if it shares none.
   * @throws {TsdError} container_not_found
   */
  networkOwner(host: Pick<HostConfig, "NetworkMode">): Container | undefined {
    const seen = new Set<Container>();
    let owner: Container | undefined;
    for (let name = namedContainer(host.NetworkMode); name !== undefined;) {
      owner = this.#deps.table.find(name);
      // A cycle is possible, because a container may be created before the one it names.
      if (seen.has(owner)) break;
      seen.add(owner);
      name = namedContainer(owner.record.hostConfig.NetworkMode);
    }
    return owner;
  }

  /** Returns whether a container shares the network of the container `id`, directly or through others. */
  joins({ record: { hostConfig } }: Pick<Container, "record">, id: string): boolean {
    try {
      return namedContainer(hostConfig.NetworkMode) !== undefined && this.networkOwner(hostConfig)?.id === id;
    } catch (thrown) {
      // A container in between was removed.
      if (!isTsdError(thrown, "container_not_found", "ambiguous_id")) throw thrown;
      return false;
    }
  }

  /**
   * Opens the namespaces that a container joins.
   * @throws {TsdError} invalid_argument, conflict, not_running, with Docker's texts
   */
  join({ record: { hostConfig } }: Pick<Container, "record">): SharedNamespaces & Disposable {
    using opened = new DisposableStack();
    const pid = namedContainer(hostConfig.PidMode);
    const ipc = namedContainer(hostConfig.IpcMode);
    const net = namedContainer(hostConfig.NetworkMode);
    const joined = {
      ...(net !== undefined && { net: opened.use(this.#openNetwork(net)).path }),
      ...(pid !== undefined && { pid: opened.use(this.#open(pid, "pid")).path }),
      ...(ipc !== undefined && { ipc: opened.use(this.#open(ipc, "ipc")).path, shmPath: this.#shmPath(ipc) }),
    };
    const kept = opened.move();
    return { ...joined, [Symbol.dispose]: () => kept.dispose() };
  }

  /** Opens a network namespace. @throws {TsdError} with Docker's texts, which differ from those of the other types */
  #openNetwork(name: string): Opened {
    let container: Container;
    try {
      container = this.#deps.table.find(name);
      refuseRestarting(container, container.id);
    } catch (thrown) {
      throw prefixed("joining network namespace of container", thrown);
    }
    const { state } = container;
    if (!isLive(state)) {
      const why = `container ${container.name} is ${state.status}`;
      throw new TsdError("conflict", `cannot join network namespace of a non running container: ${why}`);
    }
    return this.#opened(state, "net");
  }

  #opened(state: LiveState, type: "pid" | "ipc" | "net"): Opened {
    const { files } = this.#deps;
    const fd = openNamespace(state, type, files);
    // The runtime is another process, for which this process's descriptors have these paths.
    return { path: `/proc/${Deno.pid}/fd/${fd.fd}`, [Symbol.dispose]: () => fd.close() };
  }

  #open(name: string, type: "pid" | "ipc"): Opened {
    const failed = (error: TsdError) =>
      new TsdError(
        error.meaning.http === 404 ? "invalid_argument" : error.code,
        `failed to join ${type.toUpperCase()} namespace: ${error.message}`,
      );
    try {
      const container = this.#deps.table.find(name);
      refuseRestarting(container, container.id);
      return this.#opened(liveState(container), type);
    } catch (thrown) {
      throw thrown instanceof TsdError ? failed(thrown) : thrown;
    }
  }

  #shmPath(name: string): string {
    const container = this.#deps.table.find(name);
    const { IpcMode: mode } = container.record.hostConfig;
    const other = namedContainer(mode);
    if (other !== undefined) return this.#shmPath(other);
    if (mode === "host") return "/dev/shm";
    if (mode === "shareable") {
      const path = sharedMemoryPath(containerPaths(this.#deps.paths, container.id).bundle);
      if (isDir(path)) return path;
    }
    const hint = "(hint: use IpcMode:shareable for the donor container)";
    throw new TsdError(
      "invalid_argument",
      `failed to join IPC namespace: container ${container.id}: non-shareable IPC ${hint}`,
    );
  }
}

function liveState({ id, state }: Container): LiveState {
  if (isLive(state)) return state;
  throw new TsdError("not_running", `container ${id} is not running`);
}

function isDir(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
