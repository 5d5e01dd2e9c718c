import { SYSTEM_CLOCK } from "../async/clock.ts";
import { BUILD_INFO } from "../build_info.ts";
import type { EngineSettings, SystemParts } from "../engine/mod.ts";
import { ContainerPruner } from "../engine/prune/container_pruner.ts";
import { DownloadPruner } from "../engine/prune/download_pruner.ts";
import { ImagePruner } from "../engine/prune/image_pruner.ts";
import { NetworkPruner } from "../engine/prune/network_pruner.ts";
import { PruneService } from "../engine/prune/prune_service.ts";
import { VolumePruner } from "../engine/prune/volume_pruner.ts";
import { DiskUsage } from "../engine/system/disk_usage.ts";
import { SystemService } from "../engine/system/system_service.ts";
import { volumeUsers } from "../engine/volumes/volume_users.ts";
import type { Factories } from "./factories.ts";

/** Creates information, disk usage and pruning. */
export function systemFactories(
  { paths, storage, info, log, config, proxies }: EngineSettings,
): Factories<SystemParts> {
  return {
    service: (engine) =>
      new SystemService({
        build: BUILD_INFO,
        paths,
        info,
        registries: config.registries,
        proxies,
        runtimes: engine.runtime.runtimes,
        table: engine.containers.table,
        images: engine.images.catalog,
        storage,
        layers: engine.store.layers,
        events: engine.events.bus,
        plugins: engine.plugins.hooks,
      }),
    diskUsage: (engine) =>
      new DiskUsage({
        table: engine.containers.table,
        catalog: engine.images.catalog,
        usage: engine.images.usage,
        incomplete: engine.images.incompletePulls,
        sizes: engine.containers.sizes,
      }),
    prune: (engine) => {
      const [table, records, leases] = [engine.containers.table, engine.store.imageRecords, engine.images.layerLeases];
      const shared = { table, clock: SYSTEM_CLOCK, layerSizes: engine.images.layerSizes };
      const layerUsers = { records, table, leases };
      const [containers, sizes] = [engine.containers.service, engine.containers.sizes];
      const [catalog, remover] = [engine.images.catalog, engine.images.remover];
      return new PruneService({
        pruners: [
          new ContainerPruner({ ...shared, containers, sizes, layerUsers }),
          new NetworkPruner({ table: engine.networks.table, networks: engine.networks.service }),
          new VolumePruner({
            table: engine.volumes.table,
            usage: engine.volumes.usage,
            volumes: engine.volumes.service,
            usersOf: volumeUsers(table),
          }),
          new ImagePruner({ ...shared, records, catalog, remover, leases }),
          new DownloadPruner(engine.images.incompletePulls, SYSTEM_CLOCK),
        ],
        layerUsers,
        hooks: engine.plugins.hooks,
        events: engine.events.bus,
        log,
      });
    },
  };
}
