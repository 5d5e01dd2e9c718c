/**
 * @module
 * What Docker lacks: a copy of a volume under another name, and its files as a tar in both directions. Nobody is kept from
 * writing meanwhile: who wants a copy of one moment stops the containers that write.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { VolumeRecord } from "../../store/volume_records.ts";
import type { ArchiveTask } from "../archives/archive_protocol.ts";
import type { ArchiveSession } from "../archives/archive_session.ts";
import type { ArchiveWorkers } from "../archives/archive_workers.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { VolumeMounts } from "./volume_mounts.ts";
import type { VolumeService } from "./volume_service.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface VolumeCopiesDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<VolumeTable, "find" | "known">;
  readonly volumes: Pick<VolumeService, "create" | "remove" | "reserve">;
  readonly mounts: Pick<VolumeMounts, "holdAll">;
  readonly workers: Pick<ArchiveWorkers, "begin">;
  readonly log: Log;
}

/** See the module's comment. Every call lasts no longer than its signal. */
export class VolumeCopies {
  readonly #deps: VolumeCopiesDeps;

  constructor(deps: VolumeCopiesDeps) {
    this.#deps = deps;
  }

  /**
   * A new volume with the labels and files of another one; they share blocks where the file system can. It has a folder of
   * its own, whatever the other one's options say. @throws {TsdError} not_found, name_in_use, invalid_argument, storage_full
   */
  async clone(name: string, newName: string, signal: AbortSignal): Promise<VolumeRecord> {
    const { table, volumes, paths } = this.#deps;
    const { labels } = table.find(name);
    if (newName === "") throw new TsdError("invalid_argument", `clone ${name}: the new volume needs a name`);
    if (table.known(newName) !== undefined) {
      throw new TsdError("name_in_use", `clone ${name}: there is a volume ${newName} already`);
    }
    const made = await volumes.create({ name: newName, labels, options: null });
    await using undo = new AsyncDisposableStack();
    undo.defer(() => volumes.remove(newName, { force: true }));
    {
      using _reserved = volumes.reserve(newName);
      const session = await this.#begin(
        name,
        { kind: "copy", path: "/", to: volumePaths(paths, newName).data },
        signal,
      );
      await session.ended();
    }
    undo.move();
    return made;
  }

  /** Its files as a tar, which is read while it is made. @throws {TsdError} not_found, and while it is read */
  async export(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#begin(name, { kind: "export" }, signal)).output();
  }

  /**
   * Unpacks a tar, compressed or not, over what a volume has; makes the volume if there is none.
   * @throws {TsdError} invalid_argument, archive_invalid, layer_invalid, storage_full
   */
  async import(name: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<VolumeRecord> {
    const volume = await this.#deps.volumes.create({ name, labels: null, options: null });
    using _reserved = this.#deps.volumes.reserve(volume.name);
    const task = { kind: "unpack", path: "/", mayReplaceFolders: true } as const;
    await (await this.#begin(volume.name, task, signal)).feed(source);
    return volume;
  }

  async #begin(name: string, task: ArchiveTask, signal: AbortSignal): Promise<ArchiveSession> {
    const { table, mounts, paths, workers } = this.#deps;
    table.find(name);
    const held = await mounts.holdAll([name]);
    const release = async () => {
      try {
        await held[Symbol.asyncDispose]();
      } catch (thrown) {
        this.#deps.log.error("a volume stays mounted", { volume: name, error: toTsdError(thrown).message });
      }
    };
    try {
      const view = { root: volumePaths(paths, name).data, readOnly: false, mounts: [] };
      const session = await workers.begin({ view, task, container: name }, signal);
      void session.over.then(release);
      return session;
    } catch (thrown) {
      await release();
      throw thrown;
    }
  }
}
