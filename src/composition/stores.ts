import { SharedSnapshots } from "../engine/images/shared_snapshots.ts";
import { BlobStore } from "../store/blob_store.ts";
import { ContainerRecords } from "../store/container_records.ts";
import { Database } from "../store/database.ts";
import { ImageRecords } from "../store/image_records.ts";
import { openLayerStore, type OpenOptions, openSnapshots } from "../store/drivers.ts";
import { type EngineSettings, type Get, type Provide, TOKENS } from "./tokens.ts";

/** Provides the database, blobs, layers and snapshots. */
export function provideStores(provide: Provide, { paths, storage, log }: EngineSettings): void {
  const notKept = (thrown: unknown) => log.error("rows may not survive a power cut", { error: String(thrown) });
  provide(TOKENS.database, () => Database.open(`${paths.dataRoot}/tsd.db`, notKept));
  provide(TOKENS.imageRecords, (get) => new ImageRecords(get(TOKENS.database)));
  provide(TOKENS.containerRecords, (get) => new ContainerRecords(get(TOKENS.database)));
  provide(TOKENS.blobs, () => new BlobStore(paths.dataRoot));
  const inWorkers = (get: Get): OpenOptions => ({
    remake: (diffId) => get(TOKENS.pool).remake(diffId),
    notCleared: (thrown) => log.error("files of a removed layer stay until the next start", { error: String(thrown) }),
    stack: (layers) => get(TOKENS.pool).stack(layers),
  });
  provide(TOKENS.layers, (get) => openLayerStore(storage, inWorkers(get)));
  provide(TOKENS.snapshots, (get) => {
    const snapshots = openSnapshots(storage, get(TOKENS.layers), inWorkers(get));
    const isRunning = (id: string) => get(TOKENS.table).ofSnapshot(id)?.isRunning ?? false;
    return new SharedSnapshots(snapshots, isRunning);
  });
}
