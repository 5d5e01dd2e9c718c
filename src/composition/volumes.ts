import { VolumeEvents } from "../engine/events/volume_events.ts";
import { ImageMounts } from "../engine/volumes/image_mounts.ts";
import { KeyedLock } from "../async/keyed_lock.ts";
import { ContainerVolumes } from "../engine/volumes/container_volumes.ts";
import { IncompleteVolumes } from "../engine/volumes/incomplete_volumes.ts";
import { CopyUp } from "../engine/volumes/copy_up.ts";
import { VolumeMounts } from "../engine/volumes/volume_mounts.ts";
import { VolumeService } from "../engine/volumes/volume_service.ts";
import { VolumeCopies } from "../engine/volumes/volume_copies.ts";
import { VolumeRenamer } from "../engine/volumes/volume_rename.ts";
import { VolumeUsage } from "../engine/volumes/volume_usage.ts";
import { VolumeTable } from "../engine/volumes/volume_table.ts";
import { volumeUsers } from "../engine/volumes/volume_users.ts";
import { VolumeRecords } from "../store/volume_records.ts";
import { files, metadata, mounts } from "../sys/mod.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides volumes and the operations on them. */
export function provideVolumes(provide: Provide, { paths, log }: EngineSettings): void {
  provide(TOKENS.volumeTable, (get) => new VolumeTable(new VolumeRecords(get(TOKENS.database))));
  provide(TOKENS.volumeEvents, (get) => new VolumeEvents(get(TOKENS.events)));
  provide(TOKENS.volumes, (get) =>
    new VolumeService({
      paths,
      log: log.scope("volumes"),
      table: get(TOKENS.volumeTable),
      incomplete: get(TOKENS.incompleteVolumes),
      usersOf: volumeUsers(get(TOKENS.table)),
      events: get(TOKENS.volumeEvents),
      hooks: get(TOKENS.hooks),
      locks: get(TOKENS.volumeLocks),
      released: (name) => get(TOKENS.volumeMounts).released(name),
      isHeld: (name) => get(TOKENS.volumeMounts).isHeld(name),
    }));
  provide(
    TOKENS.volumeUsage,
    (get) => new VolumeUsage({ paths, table: get(TOKENS.volumeTable), usersOf: volumeUsers(get(TOKENS.table)) }),
  );
  provide(TOKENS.volumeRenamer, (get) =>
    new VolumeRenamer({
      paths,
      table: get(TOKENS.volumeTable),
      volumes: get(TOKENS.volumes),
      events: get(TOKENS.volumeEvents),
      locks: get(TOKENS.volumeLocks),
    }));
  provide(TOKENS.volumeCopies, (get) =>
    new VolumeCopies({
      paths,
      log: log.scope("volumes"),
      table: get(TOKENS.volumeTable),
      volumes: get(TOKENS.volumes),
      mounts: get(TOKENS.volumeMounts),
      workers: get(TOKENS.archiveWorkers),
      incomplete: get(TOKENS.incompleteVolumes),
      filling: get(TOKENS.volumeFilling),
    }));
  provide(TOKENS.incompleteVolumes, () => new IncompleteVolumes(paths));
  provide(TOKENS.volumeFilling, (get) =>
    new CopyUp({
      paths,
      table: get(TOKENS.volumeTable),
      mounts: get(TOKENS.volumeMounts),
      snapshots: get(TOKENS.snapshots),
      workers: get(TOKENS.archiveWorkers),
      incomplete: get(TOKENS.incompleteVolumes),
      calls: { files, metadata },
      locks: new KeyedLock(),
    }));
  provide(TOKENS.volumeLocks, () => new KeyedLock());
  provide(TOKENS.volumeMounts, (get) =>
    new VolumeMounts({
      paths,
      files,
      metadata,
      mounts,
      snapshots: get(TOKENS.snapshots),
      table: get(TOKENS.volumeTable),
      usersOf: volumeUsers(get(TOKENS.table)),
      events: get(TOKENS.volumeEvents),
      locks: get(TOKENS.volumeLocks),
    }));
  provide(TOKENS.containerVolumes, (get) =>
    new ContainerVolumes({
      paths,
      log: log.scope("volumes"),
      find: (nameOrId) => get(TOKENS.table).find(nameOrId),
      volumes: get(TOKENS.volumes),
      images: get(TOKENS.imageMounts),
    }));
  provide(
    TOKENS.imageMounts,
    (get) =>
      new ImageMounts({
        images: get(TOKENS.catalog),
        uses: get(TOKENS.imageLeases),
        snapshots: get(TOKENS.snapshots),
      }),
  );
}
