/**
 * @module
 * Files of containers as archives: `docker cp` in both directions, and `docker export`. It works on running, created and
 * stopped ones; a root that isn't mounted is, for as long as it takes. Nothing holds the container meanwhile.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Container } from "../containers/container.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import { prepareSources } from "../containers/mount_sources.ts";
import { mountsOf } from "../containers/mounts.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { EnginePaths } from "../paths.ts";
import type { CopyUp } from "../volumes/copy_up.ts";
import type { VolumeMounts } from "../volumes/volume_mounts.ts";
import type { MountReference, SharedSnapshots } from "../containers/shared_snapshots.ts";
import type { CopyTask, PathStat, ViewSpec } from "./protocol.ts";
import type { CopySession } from "./session.ts";
import type { CopyWorkers } from "./workers.ts";
import { rootfsView } from "./rootfs_view.ts";

/** What an archive is unpacked with. */
export interface UnpackRequest {
  readonly path: string;
  /** A file may take the place of a folder, and the other way round. */
  readonly mayReplaceDirs: boolean;
  /** All of it is to belong to the container's user, if it has one; else to whom the archive says. */
  readonly toUser: boolean;
}

/** An archive that is read while it is made; leaving it early gives it up. */
export interface PackedPath {
  readonly info: PathStat;
  readonly archive: AsyncIterable<Uint8Array>;
}

export interface ContainerCopyDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<ContainerTable, "find" | "has">;
  readonly snapshots: Pick<SharedSnapshots, "hold">;
  readonly volumes: Pick<VolumeMounts, "hold">;
  readonly filling: Pick<CopyUp, "finish">;
  readonly workers: Pick<CopyWorkers, "begin">;
  readonly events: ContainerEvents;
  readonly log: Log;
}

/** See the module's comment. Every call lasts no longer than its signal. */
export class ContainerCopy {
  readonly #deps: ContainerCopyDeps;
  readonly #log: Log;

  constructor(deps: ContainerCopyDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("archives");
  }

  /** Facts about a path, links at its end not followed. @throws {TsdError} container_not_found, not_found, system_call */
  async stat(nameOrId: string, path: string, signal: AbortSignal): Promise<PathStat> {
    const { session } = await this.#begin(nameOrId, { kind: "stat", path }, signal);
    return await session.info();
  }

  /** @throws {TsdError} as `stat`, and while the archive is read */
  async pack(nameOrId: string, path: string, signal: AbortSignal): Promise<PackedPath> {
    const { session, container } = await this.#begin(nameOrId, { kind: "pack", path }, signal);
    const info = await session.info();
    this.#deps.events.emit(container, "archive-path");
    return { info, archive: this.#whole(container, session) };
  }

  /** The container's root without what is mounted in it. @throws {TsdError} container_not_found, and while it is read */
  async export(nameOrId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { session, container } = await this.#begin(nameOrId, { kind: "export" }, signal);
    const archive = this.#whole(container, session);
    const { events } = this.#deps;
    return (async function* () {
      yield* archive;
      events.emit(container, "export");
    })();
  }

  /**
   * Unpacks a tar, compressed or not.
   * @throws {TsdError} as `stat`; invalid_argument (no folder, read only), archive_invalid, layer_invalid, storage_full
   */
  async unpack(
    nameOrId: string,
    { path, mayReplaceDirs, toUser }: UnpackRequest,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const user = toUser ? this.#deps.table.find(nameOrId).record.config.User || undefined : undefined;
    const task: CopyTask = { kind: "unpack", path, mayReplaceDirs, user };
    const { session, container } = await this.#begin(nameOrId, task, signal);
    await session.feed(source);
    this.#deps.events.emit(container, "extract-to-dir");
  }

  async #begin(
    nameOrId: string,
    task: CopyTask,
    signal: AbortSignal,
  ): Promise<{ readonly session: CopySession; readonly container: Container }> {
    const container = this.#deps.table.find(nameOrId);
    if (!container.isRunning && task.kind !== "export") {
      await prepareSources(mountsOf(container.record));
      // Its next start would take away what is written into half a copy.
      await this.#deps.filling.finish(container);
    }
    const mount = await this.#hold(container);
    try {
      const view = viewFor(task, rootfsView(container, mount.root, this.#deps.paths));
      const session = await this.#deps.workers.begin({ view, task, container: nameOrId }, signal);
      void session.over.then(() => this.#release(mount, container));
      return { session, container };
    } catch (thrown) {
      await this.#release(mount, container);
      throw thrown;
    }
  }

  /** Its root, and what its volumes are to have mounted. */
  async #hold(container: Container): Promise<MountReference> {
    await using held = new AsyncDisposableStack();
    held.use(await this.#deps.volumes.hold(container));
    const mount = held.use(await this.#deps.snapshots.hold(container.id));
    const all = held.move();
    return { root: mount.root, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }

  async #release(mount: MountReference, { id }: Container): Promise<void> {
    try {
      await mount[Symbol.asyncDispose]();
    } catch (thrown) {
      this.#log.error("a root that was looked into stays mounted", {
        container: id,
        error: toTsdError(thrown).message,
      });
    }
  }

  /** What is taken away with its container in the middle must not look like all there was. */
  async *#whole(container: Container, session: CopySession): AsyncGenerator<Uint8Array> {
    yield* session.output();
    if (this.#deps.table.has(container.id)) return;
    throw new TsdError("conflict", `Container ${container.id} was removed while it was being copied`);
  }
}

/** What is mounted in a container doesn't belong to its own files. */
const viewFor = (task: CopyTask, view: ViewSpec): ViewSpec =>
  task.kind === "export" ? { root: view.root, readOnly: view.readOnly, mounts: [] } : view;
