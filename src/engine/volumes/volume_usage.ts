import type { VolumeRecord } from "../../store/volume_records.ts";
import { OVERLAY_CALLS } from "../../store/overlay/overlay_mount.ts";
import { usageOf } from "../../store/overlay/upper_usage.ts";
import { isErrno } from "../../sys/mod.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import { localMount } from "./local_options.ts";
import type { VolumeUser } from "./volume_service.ts";
import type { VolumeTable } from "./volume_table.ts";

/** A volume and what it takes. */
export interface VolumeOnDisk {
  readonly volume: VolumeRecord;
  readonly bytes: number;
  /** How many containers refer to it. */
  readonly users: number;
}

export interface VolumeUsageDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<VolumeTable, "list" | "known">;
  readonly usersOf: (name: string) => readonly VolumeUser[];
}

/** What volumes take on the disk. Those with options are somewhere else: as in Docker they count for nothing. */
export class VolumeUsage {
  readonly #deps: VolumeUsageDeps;

  constructor(deps: VolumeUsageDeps) {
    this.#deps = deps;
  }

  /** Those whose files are in their own folders. */
  own(): VolumeRecord[] {
    return this.#deps.table.list().filter(({ options }) => localMount(options) === undefined);
  }

  /** Counting takes as long as there are files; one that goes meanwhile is left out. @throws {SysError} */
  async measure(): Promise<VolumeOnDisk[]> {
    const found: VolumeOnDisk[] = [];
    for (const volume of this.own()) {
      const bytes = await this.bytesOf(volume.name);
      if (bytes !== undefined) found.push({ volume, bytes, users: this.#deps.usersOf(volume.name).length });
    }
    return found;
  }

  /** Undefined when it has gone; 0 where another program has removed its directory. @throws {SysError} */
  async bytesOf(name: string): Promise<number | undefined> {
    const { data } = volumePaths(this.#deps.paths, name);
    try {
      return (await usageOf(data, OVERLAY_CALLS)).bytes;
    } catch (thrown) {
      if (this.#deps.table.known(name) === undefined) return undefined;
      if (isErrno(thrown, "ENOENT")) return 0;
      throw thrown;
    }
  }
}
