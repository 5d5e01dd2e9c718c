/**
 * @module
 * All volumes of this engine, in memory, each with its row in the database: row first, memory second.
 */
import { TsdError } from "../../errors.ts";
import { type Recording, UNTOLD } from "../../store/event_records.ts";
import type { VolumeRecord, VolumeRecords } from "../../store/volume_records.ts";

/** See the module's comment. */
export class VolumeTable {
  readonly #records: VolumeRecords;
  readonly #byName = new Map<string, VolumeRecord>();

  constructor(records: VolumeRecords) {
    this.#records = records;
    for (const volume of records.list()) this.#byName.set(volume.name, volume);
  }

  insert(volume: VolumeRecord, recording: Recording = UNTOLD): void {
    recording({ write: () => this.#records.insert(volume), lasts: true });
    this.#byName.set(volume.name, volume);
  }

  /** The volume under its new name. */
  rename(volume: VolumeRecord, name: string, recording: Recording = UNTOLD): VolumeRecord {
    recording({ write: () => this.#records.rename(volume.name, name), lasts: true });
    this.#byName.delete(volume.name);
    const renamed = { ...volume, name };
    this.#byName.set(name, renamed);
    return renamed;
  }

  remove(name: string, recording: Recording = UNTOLD): void {
    recording({ write: () => this.#records.remove(name), lasts: true });
    this.#byName.delete(name);
  }

  known(name: string): VolumeRecord | undefined {
    return this.#byName.get(name);
  }

  /** @throws {TsdError} not_found, with Docker's text */
  find(name: string): VolumeRecord {
    const volume = this.#byName.get(name);
    if (volume === undefined) throw new TsdError("not_found", `get ${name}: no such volume`);
    return volume;
  }

  /** By name. */
  list(): VolumeRecord[] {
    return [...this.#byName.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }
}
