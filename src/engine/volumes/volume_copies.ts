/**
 * @module
 * What Docker lacks: a copy of a volume under another name, and its files as a tar in both directions. Nobody is kept from
 * writing meanwhile: who wants a copy of one moment stops the containers that write.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { VolumeRecord } from "../../store/volume_records.ts";
import type { CopyTask } from "../copy/protocol.ts";
import type { CopySession } from "../copy/session.ts";
import type { CopyWorkers } from "../copy/workers.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { IncompleteVolumes } from "./incomplete_volumes.ts";
import type { CopyUp } from "./copy_up.ts";
import type { VolumeMounts } from "./volume_mounts.ts";
import type { VolumeService } from "./volume_service.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface VolumeCopiesDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<VolumeTable, "find" | "known">;
  readonly volumes: Pick<VolumeService, "begin" | "remove" | "reserve">;
  readonly incomplete: IncompleteVolumes;
  readonly filling: Pick<CopyUp, "settle">;
  readonly mounts: Pick<VolumeMounts, "holdAll">;
  readonly workers: Pick<CopyWorkers, "begin">;
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
    const { volume, isNew } = await volumes.begin({ name: newName, labels, options: null });
    if (!isNew) throw new TsdError("name_in_use", `clone ${name}: there is a volume ${newName} already`);
    const task = { kind: "copy", path: "/", to: volumePaths(paths, newName).data } as const;
    await this.#made(volume, async () => {
      const { session, released } = await this.#begin(name, task, signal);
      await session.ended();
      await released;
    });
    return volume;
  }

  /** Its files as a tar, which is read while it is made. @throws {TsdError} not_found, and while it is read */
  async export(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { session, released } = await this.#begin(name, { kind: "export", keepsAll: true }, signal);
    return session.outputUntil(released);
  }

  /**
   * Unpacks a tar, compressed or not, over what a volume has; makes the volume if there is none. A new one whose archive
   * doesn't come to its end is gone again.
   * @throws {TsdError} invalid_argument, archive_invalid, layer_invalid, storage_full
   */
  async import(name: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<VolumeRecord> {
    const { volume, isNew } = await this.#deps.volumes.begin({ name, labels: null, options: null });
    const task = { kind: "unpack", path: "/", mayReplaceDirs: true, setsDir: true, isDurable: isNew } as const;
    const unpack = async () => {
      const { session, released } = await this.#begin(volume.name, task, signal);
      await session.feed(source);
      await released;
    };
    if (isNew) await this.#made(volume, unpack);
    else {
      using _reserved = this.#deps.volumes.reserve(volume.name);
      await unpack();
    }
    return volume;
  }

  /** A new volume gets its files, or is removed. */
  async #made({ name }: VolumeRecord, fill: () => Promise<void>): Promise<void> {
    const { volumes, incomplete } = this.#deps;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => volumes.remove(name, { force: true }));
    {
      using _reserved = volumes.reserve(name);
      await fill();
      await incomplete.finish(name, "making");
    }
    undo.move();
  }

  /** `released` resolves behind the job's end, when the volume isn't looked into any more. */
  async #begin(
    name: string,
    task: CopyTask,
    signal: AbortSignal,
  ): Promise<{ readonly session: CopySession; readonly released: Promise<void> }> {
    const { table, mounts, paths, workers } = this.#deps;
    table.find(name);
    await this.#deps.filling.settle(name);
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
      return { session, released: session.over.then(release) };
    } catch (thrown) {
      await release();
      throw thrown;
    }
  }
}
