/**
 * @module
 * Files of containers as archives: `docker cp` in both directions, and `docker export`. Works on running, created and
 * stopped containers; a root that isn't mounted is mounted for the duration of the copy. The container is not locked.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Container } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { prepareSources } from "./mount_sources.ts";
import { mountsOf } from "../model/mounts.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { EnginePaths } from "../paths.ts";
import type { CopyUp } from "../volumes/copy_up.ts";
import type { VolumeMounts } from "../volumes/volume_mounts.ts";
import type { SharedSnapshots } from "../images/shared_snapshots.ts";
import type { CopyTask, PathStat, ViewSpec } from "../copy/protocol.ts";
import type { CopySession } from "../copy/session.ts";
import type { CopyWorkers } from "../copy/workers.ts";
import { rootfsView } from "../copy/rootfs_view.ts";

/** Options of an unpack. */
export interface UnpackRequest {
  readonly path: string;
  /** Allows a file to replace a directory, and vice versa. */
  readonly mayReplaceDirs: boolean;
  /** Makes the container's user, if it has one, the owner of all entries; otherwise the archive says the owner. */
  readonly toUser: boolean;
}

/** An archive that is created while it is read. Closing the iterator early cancels it. */
export interface PackedPath {
  readonly info: PathStat;
  readonly archive: AsyncIterable<Uint8Array>;
}

/** A started job. */
interface ArchiveRun {
  readonly session: CopySession;
  readonly container: Container;
  /**
   * Resolves after the end of the job, once its volume mounts are released. Those are visible to others, so the end is not
   * reported before. The container's root is unmounted independently, since that takes time.
   */
  readonly released: Promise<void>;
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

/** Copies files from and to containers. Each call ends when its signal aborts. */
export class ContainerCopy {
  readonly #deps: ContainerCopyDeps;
  readonly #log: Log;

  constructor(deps: ContainerCopyDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("archives");
  }

  /** Stats a path; does not follow a link at its end. @throws {TsdError} container_not_found, not_found, system_call */
  async stat(nameOrId: string, path: string, signal: AbortSignal): Promise<PathStat> {
    const run = await this.#begin(nameOrId, { kind: "stat", path }, signal);
    const info = await endpointsOf(run);
    await run.released;
    return info;
  }

  /** Packs the tree at a path into a tar. @throws {TsdError} as `stat`, also during iteration */
  async pack(nameOrId: string, path: string, signal: AbortSignal): Promise<PackedPath> {
    const run = await this.#begin(nameOrId, { kind: "pack", path }, signal);
    const info = await endpointsOf(run);
    this.#deps.events.emit(run.container, "archive-path");
    return { info, archive: this.#whole(run) };
  }

  /** Packs the container's root without its mounts. @throws {TsdError} container_not_found, also during iteration */
  async export(nameOrId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const run = await this.#begin(nameOrId, { kind: "export" }, signal);
    const archive = this.#whole(run);
    const { events } = this.#deps;
    return (async function* () {
      yield* archive;
      events.emit(run.container, "export");
    })();
  }

  /**
   * Unpacks a tar, compressed or not.
   * @throws {TsdError} as `stat`; invalid_argument (no directory, read-only), archive_invalid, layer_invalid, storage_full
   */
  async unpack(
    nameOrId: string,
    { path, mayReplaceDirs, toUser }: UnpackRequest,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const user = toUser ? this.#deps.table.find(nameOrId).record.config.User || undefined : undefined;
    const task: CopyTask = { kind: "unpack", path, mayReplaceDirs, user };
    const { session, container, released } = await this.#begin(nameOrId, task, signal);
    await session.feed(source);
    await released;
    this.#deps.events.emit(container, "extract-to-dir");
  }

  async #begin(nameOrId: string, task: CopyTask, signal: AbortSignal): Promise<ArchiveRun> {
    const { table, filling, volumes, snapshots, workers, paths } = this.#deps;
    const container = table.find(nameOrId);
    if (!container.isRunning && task.kind !== "export") {
      await prepareSources(mountsOf(container.record));
      // The next start would discard files that are written into an incomplete copy-up.
      await filling.finish(container);
    }
    await using stack = new AsyncDisposableStack();
    const volume = stack.use(await volumes.hold(container));
    const root = stack.use(await snapshots.hold(container.id));
    const view = viewFor(task, rootfsView(container, root.root, paths));
    const session = await workers.begin({ view, task, container: nameOrId }, signal);
    stack.move();
    void session.over.then(() => this.#release(root, container));
    return { session, container, released: session.over.then(() => this.#release(volume, container)) };
  }

  async #release(mount: AsyncDisposable, { id }: Container): Promise<void> {
    try {
      await mount[Symbol.asyncDispose]();
    } catch (thrown) {
      this.#log.error("what was looked into stays mounted", { container: id, error: toTsdError(thrown).message });
    }
  }

  /** Fails the archive if the container was removed meanwhile: a truncated archive must not look complete. */
  async *#whole({ session, container, released }: ArchiveRun): AsyncGenerator<Uint8Array> {
    yield* session.outputUntil(released);
    if (this.#deps.table.has(container.id)) return;
    throw new TsdError("conflict", `Container ${container.id} was removed while it was being copied`);
  }
}

/** Returns the path's stat. @throws {TsdError} the session's error, after the job's end */
async function endpointsOf({ session, released }: ArchiveRun): Promise<PathStat> {
  try {
    return await session.info();
  } catch (thrown) {
    await released;
    throw thrown;
  }
}

/** Excludes the container's mounts from an export. */
const viewFor = (task: CopyTask, view: ViewSpec): ViewSpec =>
  task.kind === "export" ? { root: view.root, readOnly: view.readOnly, mounts: [] } : view;
