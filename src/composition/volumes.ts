import { VolumeEvents } from "../engine/events/volume_events.ts";
import { KeyedLock } from "../engine/keyed_lock.ts";
import { VolumeService } from "../engine/volumes/volume_service.ts";
import { VolumeTable } from "../engine/volumes/volume_table.ts";
import { volumeUsers } from "../engine/volumes/volume_users.ts";
import { VolumeRecords } from "../store/volume_records.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Volumes, and what is done with them. */
export function provideVolumes(provide: Provide, { paths, log }: EngineSettings): void {
  provide(TOKENS.volumeTable, (get) => new VolumeTable(new VolumeRecords(get(TOKENS.database))));
  provide(TOKENS.volumeEvents, (get) => new VolumeEvents(get(TOKENS.events)));
  provide(TOKENS.volumes, (get) =>
    new VolumeService({
      paths,
      log: log.scope("volumes"),
      table: get(TOKENS.volumeTable),
      usersOf: volumeUsers(get(TOKENS.table)),
      events: get(TOKENS.volumeEvents),
      locks: new KeyedLock(),
    }));
}
