/**
 * @module
 * Cleans up after a task, and removes containers. The caller of `afterRun`, `clean` and `remove` holds the container's
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

/** Cleans up after tasks, and removes containers. */
export class ContainerRemover {
  readonly #deps: ContainerRemoverDeps;
  readonly #log: Log;
  /** By container; see {@link announce}. */
  readonly #announced = new Map<string, Promise<unknown>>();
  /** Containers between the stop and the start of `docker restart`. */
  readonly #kept = new Set<string>();
  /** Containers that are no longer in the table, and of which something is left. */
  readonly #incomplete = new Set<string>();

  constructor(deps: ContainerRemoverDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("containers");
  }

  /** Prevents the removal of a container at the end of its task, until the result is disposed of. */
  keep(container: Container): Disposable {
    this.#kept.add(container.id);
    return { [Symbol.dispose]: () => void this.#kept.delete(container.id) };
  }

  /** Announces an event of the container's exit: its removal is not reported before the result is disposed of. */
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

  /**
   * Cleans up after a task, and removes a container that was created with `--rm`.
   * @throws what `ContainerStarter.clean` throws; {TsdError} storage
   */
  async afterRun(container: Container): Promise<void> {
    if (!this.#deps.table.has(container.id)) {
      if (this.#incomplete.has(container.id)) await this.#finish(container);
      return;
    }
    const isOver = container.record.hostConfig.AutoRemove && !this.#kept.has(container.id);
    await (isOver ? this.#vanish(container) : this.clean(container));
  }

  /**
   * Removes a container that was created with `--rm`. The removal is reported before the kernel has finished: if the
   * engine is killed meanwhile, the next one removes the rest as orphaned. Anonymous volumes would stay, so they are
   * removed first.
   */
  async #vanish(container: Container): Promise<void> {
    await this.#announced.get(container.id);
    // Waiting clients may need the ports.
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
      // The volumes were in use when their removal failed before.
      if (hasAnonymousVolumes(container)) await this.#deps.volumes.removeAnonymous(container);
    }
    await this.#clear(container);
    this.#incomplete.delete(container.id);
    await this.#sweepLayers(container);
  }

  /** Cleans up, and removes anonymous volumes even if the cleanup fails, because nothing refers to them afterwards. */
  async #cleanWithVolumes(container: Container): Promise<void> {
    try {
      await this.clean(container);
    } finally {
      await this.#deps.volumes.removeAnonymous(container);
    }
  }

  /**
   * Releases what others could notice of a task, before its exit is reported. No lock is needed, because the container
   * can't be started or removed until then.
   * @throws what `ContainerStarter.release` throws
   */
  async release(container: Container): Promise<void> {
    const { launcher, starts } = this.#deps;
    if (launcher.isSeen(container)) await starts.settled(container.id);
    await launcher.release(container);
  }

  /** Cleans up after the task. @throws what `ContainerStarter.clean` throws */
  async clean(container: Container): Promise<void> {
    const { networks, starts, launcher } = this.#deps;
    // Another container may need the address, so an exec that is being started delays only the rest. Errors appear in
    // the calls below as well.
    await Promise.allSettled([networks.release(container.id), starts.settled(container.id)]);
    await launcher.clean(container);
  }

  /**
   * Removes a container that is not running, and its anonymous volumes if it was created with `--rm` or `volumes` is
   * set.
   * @param options.isUntold whether its creation was not reported
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

  /** Removes a container's own resources. */
  async #clear(container: Container): Promise<void> {
    const { health, snapshots, paths } = this.#deps;
    await health.forget(container);
    // The order tells the next engine that a removal was interrupted (restore.ts).
    await removeTree(containerPaths(paths, container.id).home);
    for (const id of [...mountedSnapshots(container.record), container.id]) await snapshots.remove(id);
  }

  /** Removes the container from the table. */
  async #forget(container: Container, recording: Recording): Promise<void> {
    const { state } = container;
    this.#deps.table.remove(container, recording);
    this.#deps.execs.containerRemoved(container);
    await this.#deps.streams.discard(container);
    this.#deps.hooks.callParallel("container.removed", () => containerContext(container));
    this.#deps.waiters.removed(container.id, { exitCode: isLive(state) ? 0 : state.exitCode });
  }

  /**
   * Removes layers that nothing needs any more. The container is removed even if this fails: the rest is removed at the
   * engine's next start.
   */
  async #sweepLayers(container: Container): Promise<void> {
    for (const image of neededImages(container.record)) {
      await this.#deps.images.sweepAfterContainer(image).catch((thrown) => {
        this.#log.warn("a removed container's layers stay for now", failure(container, thrown));
      });
    }
  }
}

/** Returns the log fields of a failure. */
export const failure = (container: Container, thrown: unknown) => ({
  container: container.id,
  error: toTsdError(thrown).message,
});
