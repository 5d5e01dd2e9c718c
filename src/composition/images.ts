import { SYSTEM_CLOCK } from "../async/clock.ts";
import { CopyWorkers } from "../engine/copy/workers.ts";
import { Fsck } from "../engine/images/fsck.ts";
import { ImageCatalog } from "../engine/images/image_catalog.ts";
import { ImageLeases } from "../engine/images/image_leases.ts";
import { ImageLoader } from "../engine/images/image_loader.ts";
import { ImageRemover } from "../engine/images/image_remover.ts";
import { ImageSaver } from "../engine/images/image_saver.ts";
import { ImageTagger } from "../engine/images/image_tagger.ts";
import { ImageUsage } from "../engine/images/image_usage.ts";
import { IncompletePulls } from "../engine/images/incomplete_pulls.ts";
import { IngestPool } from "../engine/images/ingest_pool.ts";
import { LayerLeases } from "../engine/images/layer_leases.ts";
import { LayerSizes } from "../engine/images/layer_sizes.ts";
import { Puller } from "../engine/images/puller.ts";
import type { EngineSettings, ImageParts } from "../engine/mod.ts";
import { hashEngineName } from "../hash/mod.ts";
import type { Digest } from "../image/digest.ts";
import { RegistryClient } from "../image/registry/mod.ts";
import { StagingDir } from "../store/directory_driver/staging_dir.ts";
import { PartialBlobs } from "../store/partial_blobs.ts";
import { workerUrl } from "../worker_entry.ts";
import type { Factories } from "./factories.ts";

/** Creates what pulls, loads, records and removes images. */
export function imagesFactories({ storage, log, config }: EngineSettings): Factories<ImageParts> {
  const { registries, maxDownloads } = config;
  return {
    catalog: (engine) => new ImageCatalog(engine.store.imageRecords, engine.store.blobs, log),
    puller: (engine) =>
      new Puller({
        registry: engine.images.registry,
        records: engine.store.imageRecords,
        blobs: engine.store.blobs,
        layers: engine.store.layers,
        leases: engine.images.layerLeases,
        pool: engine.images.ingestPool,
        hooks: engine.plugins.hooks,
        events: engine.events.images,
        sweepLayers: (diffIds) => engine.images.remover.sweepLayers(diffIds),
        makeRoom: () => engine.images.incompletePulls.makeRoom(),
      }),
    incompletePulls: (engine) => {
      const [layers, remover, parts] = [engine.store.layers, engine.images.remover, new PartialBlobs(storage.root)];
      return new IncompletePulls({ layers, parts, remover, clock: SYSTEM_CLOCK, log });
    },
    registry: () => new RegistryClient({ ...registries, log }),
    ingestPool: () =>
      new IngestPool(workerUrl("ingest"), {
        storage: { driver: storage.driver, root: storage.root },
        registries,
        hashEngine: hashEngineName(),
      }, {
        maxJobs: maxDownloads,
      }),
    layerLeases: () => new LayerLeases(),
    leases: (engine) =>
      new ImageLeases({
        records: engine.store.imageRecords,
        leases: engine.images.layerLeases,
        sweepLayers: (diffIds) => engine.images.remover.sweepLayers(diffIds),
      }),
    remover: (engine) =>
      new ImageRemover({
        catalog: engine.images.catalog,
        records: engine.store.imageRecords,
        blobs: engine.store.blobs,
        layers: engine.store.layers,
        leases: engine.images.layerLeases,
        containers: engine.containers.table,
        events: engine.events.images,
      }),
    tagger: (engine) => new ImageTagger(engine.images.catalog, engine.store.imageRecords, engine.events.images),
    loader: (engine) =>
      new ImageLoader({
        records: engine.store.imageRecords,
        blobs: engine.store.blobs,
        layers: engine.store.layers,
        leases: engine.images.layerLeases,
        pool: engine.images.ingestPool,
        workers: engine.images.archiveWorkers,
        hashEngine: hashEngineName(),
        hooks: engine.plugins.hooks,
        events: engine.events.images,
        makeWorkspace: () => StagingDir.create(storage.root),
        sweepLayers: (diffIds) => engine.images.remover.sweepLayers(diffIds),
        makeRoom: () => engine.images.incompletePulls.makeRoom(),
      }),
    saver: (engine) => {
      const [records, leases] = [engine.store.imageRecords, engine.images.layerLeases];
      const sweepLayers = (diffIds: readonly Digest[]) => engine.images.remover.sweepLayers(diffIds);
      return new ImageSaver({
        catalog: engine.images.catalog,
        records,
        blobs: engine.store.blobs,
        layers: engine.store.layers,
        uses: new ImageLeases({ records, leases, sweepLayers }),
        workers: engine.images.archiveWorkers,
        storage: { driver: storage.driver, root: storage.root },
        hashEngine: hashEngineName(),
        events: engine.events.images,
        log: log.scope("images"),
      });
    },
    archiveWorkers: () => new CopyWorkers(workerUrl("imageArchive")),
    fsck: (engine) =>
      new Fsck({
        catalog: engine.images.catalog,
        records: engine.store.imageRecords,
        blobs: engine.store.blobs,
        pool: engine.images.ingestPool,
        leases: engine.images.layerLeases,
        sweepLayers: (diffIds) => engine.images.remover.sweepLayers(diffIds),
      }),
    layerSizes: (engine) => new LayerSizes(engine.store.layers),
    usage: (engine) => new ImageUsage(engine.store.imageRecords, engine.images.layerSizes),
  };
}
