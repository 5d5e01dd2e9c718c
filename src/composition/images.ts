import { CopyWorkers } from "../engine/copy/workers.ts";
import { SYSTEM_CLOCK } from "../async/clock.ts";
import { ImageCatalog } from "../engine/images/image_catalog.ts";
import { Fsck } from "../engine/images/fsck.ts";
import { ImageLoader } from "../engine/images/image_loader.ts";
import { ImageRemover } from "../engine/images/image_remover.ts";
import { ImageSaver } from "../engine/images/image_saver.ts";
import { ImageTagger } from "../engine/images/image_tagger.ts";
import { ImageUsage } from "../engine/images/image_usage.ts";
import { ImageLeases } from "../engine/images/image_leases.ts";
import { IngestPool } from "../engine/images/ingest_pool.ts";
import { LayerLeases } from "../engine/images/layer_leases.ts";
import { LayerSizes } from "../engine/images/layer_sizes.ts";
import { Puller } from "../engine/images/puller.ts";
import { IncompletePulls } from "../engine/images/incomplete_pulls.ts";
import { hashEngineName } from "../hash/mod.ts";
import type { Digest } from "../image/digest.ts";
import { RegistryClient } from "../image/registry/mod.ts";
import { StagingDir } from "../store/directory_driver/staging_dir.ts";
import { PartialBlobs } from "../store/partial_blobs.ts";
import { workerUrl } from "../worker_entry.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides pulling, loading, recording and removing of images. */
export function provideImages(provide: Provide, { storage, log, config }: EngineSettings): void {
  const { registries, maxDownloads } = config;
  provide(TOKENS.registry, () => new RegistryClient({ ...registries, log }));
  provide(TOKENS.leases, () => new LayerLeases());
  provide(
    TOKENS.pool,
    () =>
      new IngestPool(workerUrl("ingest"), {
        storage: { driver: storage.driver, root: storage.root },
        registries,
        hashEngine: hashEngineName(),
      }, {
        maxJobs: maxDownloads,
      }),
  );
  provide(
    TOKENS.imageLeases,
    (get) =>
      new ImageLeases({
        records: get(TOKENS.imageRecords),
        leases: get(TOKENS.leases),
        sweepLayers: (diffIds) => get(TOKENS.remover).sweepLayers(diffIds),
      }),
  );
  provide(TOKENS.catalog, (get) => new ImageCatalog(get(TOKENS.imageRecords), get(TOKENS.blobs), log));
  provide(TOKENS.puller, (get) =>
    new Puller({
      registry: get(TOKENS.registry),
      records: get(TOKENS.imageRecords),
      blobs: get(TOKENS.blobs),
      layers: get(TOKENS.layers),
      leases: get(TOKENS.leases),
      pool: get(TOKENS.pool),
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.imageEvents),
      sweepLayers: (diffIds) => get(TOKENS.remover).sweepLayers(diffIds),
      makeRoom: () => get(TOKENS.incompletePulls).makeRoom(),
    }));
  provide(TOKENS.incompletePulls, (get) => {
    const [layers, remover, parts] = [get(TOKENS.layers), get(TOKENS.remover), new PartialBlobs(storage.root)];
    return new IncompletePulls({ layers, parts, remover, clock: SYSTEM_CLOCK, log });
  });
  provide(TOKENS.remover, (get) =>
    new ImageRemover({
      catalog: get(TOKENS.catalog),
      records: get(TOKENS.imageRecords),
      blobs: get(TOKENS.blobs),
      layers: get(TOKENS.layers),
      leases: get(TOKENS.leases),
      containers: get(TOKENS.table),
      events: get(TOKENS.imageEvents),
    }));
  provide(
    TOKENS.tagger,
    (get) => new ImageTagger(get(TOKENS.catalog), get(TOKENS.imageRecords), get(TOKENS.imageEvents)),
  );
  provide(TOKENS.imageArchiveWorkers, () => new CopyWorkers(workerUrl("imageArchive")));
  provide(TOKENS.loader, (get) =>
    new ImageLoader({
      records: get(TOKENS.imageRecords),
      blobs: get(TOKENS.blobs),
      layers: get(TOKENS.layers),
      leases: get(TOKENS.leases),
      pool: get(TOKENS.pool),
      workers: get(TOKENS.imageArchiveWorkers),
      hashEngine: hashEngineName(),
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.imageEvents),
      makeWorkspace: () => StagingDir.create(storage.root),
      sweepLayers: (diffIds) => get(TOKENS.remover).sweepLayers(diffIds),
      makeRoom: () => get(TOKENS.incompletePulls).makeRoom(),
    }));
  provide(TOKENS.saver, (get) => {
    const [records, leases] = [get(TOKENS.imageRecords), get(TOKENS.leases)];
    const sweepLayers = (diffIds: readonly Digest[]) => get(TOKENS.remover).sweepLayers(diffIds);
    return new ImageSaver({
      catalog: get(TOKENS.catalog),
      records,
      blobs: get(TOKENS.blobs),
      layers: get(TOKENS.layers),
      uses: new ImageLeases({ records, leases, sweepLayers }),
      workers: get(TOKENS.imageArchiveWorkers),
      storage: { driver: storage.driver, root: storage.root },
      hashEngine: hashEngineName(),
      events: get(TOKENS.imageEvents),
      log: log.scope("images"),
    });
  });
  provide(TOKENS.imageCheck, (get) =>
    new Fsck({
      catalog: get(TOKENS.catalog),
      records: get(TOKENS.imageRecords),
      blobs: get(TOKENS.blobs),
      pool: get(TOKENS.pool),
      leases: get(TOKENS.leases),
      sweepLayers: (diffIds) => get(TOKENS.remover).sweepLayers(diffIds),
    }));
  provide(TOKENS.layerSizes, (get) => new LayerSizes(get(TOKENS.layers)));
  provide(TOKENS.imageUsage, (get) => new ImageUsage(get(TOKENS.imageRecords), get(TOKENS.layerSizes)));
}
