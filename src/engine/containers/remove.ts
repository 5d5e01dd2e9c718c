/**
 * @module
 * What comes after a container's run, and its removal. Whoever calls `afterRun`, `clean` or `remove` holds the container's
 * lock.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import type { Snapshotter } from "../../store/driver.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import { removeTree } from "../directories.ts";
import type { ImageRemover } from "../images/image_remover.ts";
import type { ContainerNetworks } from "../networks/container_networks.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { type ContainerVolumes, hasAnonymousVolumes } from "../volumes/container_volumes.ts";
import { type Container, isLive } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { neededImages } from "../model/needed_images.ts";
import { mountedSnapshots } from "../model/needed_images.ts";
import type { ContainerStarter } from "./start.ts";
import type { PendingStdio } from "./pending_stdio.ts";
import type { Waiters } from "./waiters.ts";
import type { ContainerExecs, ContainerHealth, ExecStarts } from "./dependents.ts";

export interface ContainerRemoverDeps {
  readonly table: ContainerTable;
  readonly snapshots: Snapshotter;
  readonly launcher: Pick<ContainerStarter, "clean" | "release" | "isSeen">;
  readonly starts: ExecStarts;
  readonly execs: ContainerExecs;
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly hooks: HookBus;
  readonly events: ContainerEvents;
  readonly health: Pick<ContainerHealth, "forget">;
  readonly waiters: Waiters;
  readonly images: Pick<ImageRemover, "sweepAfterContainer">;
  readonly volumes: Pick<ContainerVolumes, "removeAnonymous">;
  readonly networks: Pick<ContainerNetworks, "release">;
  readonly streams: Pick<PendingStdio, "discard">;
}

/** See the module's comment. */
export class ContainerRemover {
  readonly #deps: ContainerRemoverDeps;
  readonly #log: Log;
  /** By container; see {@link announce}. */
  readonly #announced = new Map<string, Promise<unknown>>();
  /** Containers between the two halves of `docker restart`. */
  readonly #kept = new Set<string>();
  /** Containers that nobody finds any more, and of which something is left. */
  readonly #incomplete = new Set<string>();

  constructor(deps: ContainerRemoverDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("containers");
  }

  /** Keeps a container from being removed at the end of its run. Dispose of it. */
  keep(container: Container): Disposable {
    this.#kept.add(container.id);
    return { [Symbol.dispose]: () => void this.#kept.delete(container.id) };
  }

  /** Something will be told of the container's end; its removal is not told before. Dispose of it when it was told. */
  announce(container: Container): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#announced.get(container.id);
    const all = Promise.all([before, promise]);
    this.#announced.set(container.id, all);
    void all.then(() => {
      if (this.#announced.get(container.id) === all) this.#announced.delete(container.id);
    });
    return { [Symbol.dispose]: resolve };
  }

  /** Clears a run away, and all of a container that removes itself. @throws what `ContainerStarter.clean` throws; {TsdError} storage */
  async afterRun(container: Container): Promise<void> {
    if (!this.#deps.table.has(container.id)) {
      if (this.#incomplete.has(container.id)) await this.#finish(container);
      return;
    }
    const isOver = container.record.hostConfig.AutoRemove && !this.#kept.has(container.id);
    await (isOver ? this.#vanish(container) : this.clean(container));
  }

  /**
   * One that removes itself. Whoever waits for that needn't wait for the kernel: an engine that is killed meanwhile leaves
   * what the next one clears away as nobody's. Volumes without a name would stay for ever, and are looked for afterwards.
   */
  async #vanish(container: Container): Promise<void> {
    await this.#announced.get(container.id);
    // Whoever waits may want the ports.
    await this.#deps.networks.release(container.id);
    const volumesFirst = hasAnonymousVolumes(container);
    try {
      if (volumesFirst) await this.#cleanWithVolumes(container);
    } finally {
      this.#incomplete.add(container.id);
      await this.#forget(container, this.#deps.events.telling(container, "destroy"));
    }
    await this.#finish(container, { isClean: volumesFirst });
  }

  async #finish(container: Container, { isClean = false } = {}): Promise<void> {
    if (!isClean) {
      await this.clean(container);
      // They were in use when that failed before.
      if (hasAnonymousVolumes(container)) await this.#deps.volumes.removeAnonymous(container);
    }
    await this.#clear(container);
    this.#incomplete.delete(container.id);
    await this.#sweepLayers(container);
  }

  /** Nobody will know of the volumes afterwards: what else can't be cleared away is no reason to leave them. */
  async #cleanWithVolumes(container: Container): Promise<void> {
    try {
      await this.clean(container);
    } finally {
      await this.#deps.volumes.removeAnonymous(container);
    }
  }

  /**
   * Takes away what others could see of a run, before they are told of its end. Nobody can start or remove the container
   * until then, so that this needs no lock. @throws what `ContainerStarter.release` throws
   */
  async release(container: Container): Promise<void> {
    const { launcher, starts } = this.#deps;
    if (launcher.isSeen(container)) await starts.settled(container.id);
    await launcher.release(container);
  }

  /** Clears away what the run left. @throws what `ContainerStarter.clean` throws */
  async clean(container: Container): Promise<void> {
    const { networks, starts, launcher } = this.#deps;
    // Another container may want the address: an exec that is just being started holds up only the rest. What goes wrong
    // here goes wrong in there too.
    await Promise.allSettled([networks.release(container.id), starts.settled(container.id)]);
    await launcher.clean(container);
  }

  /**
   * Removes a container that doesn't run, and its anonymous volumes if it removes itself or `volumes` says so.
   * @param options.isUntold nobody was told of its creation
   * @throws {TsdError} storage
   */
  async remove(
    container: Container,
    { volumes = false, isUntold = false }: { readonly volumes?: boolean; readonly isUntold?: boolean } = {},
  ): Promise<void> {
    const { table } = this.#deps;
    const takesVolumes = (volumes || container.record.hostConfig.AutoRemove) && hasAnonymousVolumes(container);
    if (takesVolumes) table.beginRemoval(container);
    try {
      await this.#clear(container);
    } catch (thrown) {
      if (takesVolumes) table.endRemoval(container);
      throw thrown;
    }
    if (takesVolumes) await this.#deps.volumes.removeAnonymous(container);
    await this.#forget(container, isUntold ? UNTOLD : this.#deps.events.telling(container, "destroy"));
    await this.#sweepLayers(container);
  }

  /** Takes away what a container has of its own. */
  async #clear(container: Container): Promise<void> {
    const { health, snapshots, paths } = this.#deps;
    await health.forget(container);
    // The order tells the next engine of a removal that was cut off (adoption.ts).
    await removeTree(containerPaths(paths, container.id).home);
    for (const id of [...mountedSnapshots(container.record), container.id]) await snapshots.remove(id);
  }

  /** Nobody finds it any more. */
  async #forget(container: Container, recording: Recording): Promise<void> {
    const { state } = container;
    this.#deps.table.remove(container, recording);
    this.#deps.execs.containerRemoved(container);
    await this.#deps.streams.discard(container);
    this.#deps.hooks.callParallel("container.removed", () => containerContext(container));
    this.#deps.waiters.removed(container.id, { exitCode: isLive(state) ? 0 : state.exitCode });
  }

  /** The container is gone whether or not this succeeds: what stays goes at the engine's next start. */
  async #sweepLayers(container: Container): Promise<void> {
    for (const image of neededImages(container.record)) {
      await this.#deps.images.sweepAfterContainer(image).catch((thrown) => {
        this.#log.warn("a removed container's layers stay for now", failure(container, thrown));
      });
    }
  }
}

/** For the log. */
export const failure = (container: Container, thrown: unknown) => ({
  container: container.id,
  error: toTsdError(thrown).message,
});
