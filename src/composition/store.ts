import { SharedSnapshots } from "../engine/images/shared_snapshots.ts";
import type { Engine, EngineSettings, StoreParts } from "../engine/mod.ts";
import { BlobStore } from "../store/blob_store.ts";
import { ContainerRecords } from "../store/container_records.ts";
import { Database } from "../store/database.ts";
import { openLayerStore, type OpenOptions, openSnapshots } from "../store/drivers.ts";
import { ImageRecords } from "../store/image_records.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import type { Factories } from "./factories.ts";

/** Creates the database, blobs, layers and snapshots. */
export function storeFactories({ paths, storage, log }: EngineSettings): Factories<StoreParts> {
  const notKept = (thrown: unknown) => log.error("rows may not survive a power cut", { error: String(thrown) });
  const inWorkers = (engine: Engine): OpenOptions => ({
    remake: (diffId) => engine.images.ingestPool.remake(diffId),
    notCleared: (thrown) => log.error("files of a removed layer stay until the next start", { error: String(thrown) }),
    stack: (layers) => engine.images.ingestPool.stack(layers),
  });
  return {
    database: () => Database.open(`${paths.dataRoot}/tsd.db`, notKept),
    imageRecords: (engine) => new ImageRecords(engine.store.database),
    containerRecords: (engine) => new ContainerRecords(engine.store.database),
    pluginRecords: (engine) => new PluginRecords(engine.store.database),
    blobs: () => new BlobStore(paths.dataRoot),
    layers: (engine) => openLayerStore(storage, inWorkers(engine)),
    snapshots: (engine) => {
      const snapshots = openSnapshots(storage, engine.store.layers, inWorkers(engine));
      const isRunning = (id: string) => engine.containers.table.ofSnapshot(id)?.isRunning ?? false;
      return new SharedSnapshots(snapshots, isRunning);
    },
  };
}
