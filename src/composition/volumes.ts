import { KeyedLock } from "../async/keyed_lock.ts";
import type { EngineSettings, VolumeParts } from "../engine/mod.ts";
import { ContainerVolumes } from "../engine/volumes/container_volumes.ts";
import { CopyUp } from "../engine/volumes/copy_up.ts";
import { ImageMounts } from "../engine/volumes/image_mounts.ts";
import { IncompleteVolumes } from "../engine/volumes/incomplete_volumes.ts";
import { VolumeCopies } from "../engine/volumes/volume_copies.ts";
import { VolumeMounts } from "../engine/volumes/volume_mounts.ts";
import { VolumeRenamer } from "../engine/volumes/volume_rename.ts";
import { VolumeService } from "../engine/volumes/volume_service.ts";
import { VolumeTable } from "../engine/volumes/volume_table.ts";
import { VolumeUsage } from "../engine/volumes/volume_usage.ts";
import { volumeUsers } from "../engine/volumes/volume_users.ts";
import { VolumeRecords } from "../store/volume_records.ts";
import { files, metadata, mounts } from "../sys/mod.ts";
import type { Factories } from "./factories.ts";

/** Creates volumes and the operations on them. */
export function volumesFactories({ paths, log }: EngineSettings): Factories<VolumeParts> {
  return {
    table: (engine) => new VolumeTable(new VolumeRecords(engine.store.database)),
    service: (engine) =>
      new VolumeService({
        paths,
        log: log.scope("volumes"),
        table: engine.volumes.table,
        incomplete: engine.volumes.incomplete,
        usersOf: volumeUsers(engine.containers.table),
        events: engine.events.volumes,
        hooks: engine.plugins.hooks,
        locks: engine.volumes.locks,
        released: (name) => engine.volumes.mounts.released(name),
        isHeld: (name) => engine.volumes.mounts.isHeld(name),
      }),
    locks: () => new KeyedLock(),
    mounts: (engine) =>
      new VolumeMounts({
        paths,
        files,
        metadata,
        mounts,
        snapshots: engine.store.snapshots,
        table: engine.volumes.table,
        usersOf: volumeUsers(engine.containers.table),
        events: engine.events.volumes,
        locks: engine.volumes.locks,
      }),
    containers: (engine) =>
      new ContainerVolumes({
        paths,
        log: log.scope("volumes"),
        find: (nameOrId) => engine.containers.table.find(nameOrId),
        volumes: engine.volumes.service,
        images: engine.volumes.imageMounts,
      }),
    imageMounts: (engine) =>
      new ImageMounts({
        images: engine.images.catalog,
        uses: engine.images.leases,
        snapshots: engine.store.snapshots,
      }),
    copies: (engine) =>
      new VolumeCopies({
        paths,
        log: log.scope("volumes"),
        table: engine.volumes.table,
        volumes: engine.volumes.service,
        mounts: engine.volumes.mounts,
        workers: engine.containers.copyWorkers,
        incomplete: engine.volumes.incomplete,
        filling: engine.volumes.copyUp,
      }),
    renamer: (engine) =>
      new VolumeRenamer({
        paths,
        table: engine.volumes.table,
        volumes: engine.volumes.service,
        events: engine.events.volumes,
        locks: engine.volumes.locks,
      }),
    copyUp: (engine) =>
      new CopyUp({
        paths,
        table: engine.volumes.table,
        mounts: engine.volumes.mounts,
        snapshots: engine.store.snapshots,
        workers: engine.containers.copyWorkers,
        incomplete: engine.volumes.incomplete,
        calls: { files, metadata },
        locks: new KeyedLock(),
      }),
    incomplete: () => new IncompleteVolumes(paths),
    usage: (engine) =>
      new VolumeUsage({ paths, table: engine.volumes.table, usersOf: volumeUsers(engine.containers.table) }),
  };
}
