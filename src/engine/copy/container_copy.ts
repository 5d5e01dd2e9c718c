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
import type { SharedSnapshots } from "../containers/shared_snapshots.ts";
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

/** A job that has begun. */
interface ArchiveRun {
  readonly session: CopySession;
  readonly container: Container;
  /**
   * Resolves behind the job's end, when volumes are not looked into any more. Others can see what they have mounted, and
   * are not told of an end before. The container's root is unmounted behind it, since that takes time.
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
    const run = await this.#begin(nameOrId, { kind: "stat", path }, signal);
    const info = await endpointsOf(run);
    await run.released;
    return info;
  }

  /** @throws {TsdError} as `stat`, and while the archive is read */
  async pack(nameOrId: string, path: string, signal: AbortSignal): Promise<PackedPath> {
    const run = await this.#begin(nameOrId, { kind: "pack", path }, signal);
    const info = await endpointsOf(run);
    this.#deps.events.emit(run.container, "archive-path");
    return { info, archive: this.#whole(run) };
  }

  /** The container's root without what is mounted in it. @throws {TsdError} container_not_found, and while it is read */
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
      // Its next start would take away what is written into half a copy.
      await filling.finish(container);
    }
    await using held = new AsyncDisposableStack();
    const volume = held.use(await volumes.hold(container));
    const root = held.use(await snapshots.hold(container.id));
    const view = viewFor(task, rootfsView(container, root.root, paths));
    const session = await workers.begin({ view, task, container: nameOrId }, signal);
    held.move();
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

  /** What is taken away with its container in the middle must not look like all there was. */
  async *#whole({ session, container, released }: ArchiveRun): AsyncGenerator<Uint8Array> {
    yield* session.outputUntil(released);
    if (this.#deps.table.has(container.id)) return;
    throw new TsdError("conflict", `Container ${container.id} was removed while it was being copied`);
  }
}

/** @throws {TsdError} as the session's, behind the job's end */
async function endpointsOf({ session, released }: ArchiveRun): Promise<PathStat> {
  try {
    return await session.info();
  } catch (thrown) {
    await released;
    throw thrown;
  }
}

/** What is mounted in a container doesn't belong to its own files. */
const viewFor = (task: CopyTask, view: ViewSpec): ViewSpec =>
  task.kind === "export" ? { root: view.root, readOnly: view.readOnly, mounts: [] } : view;
