import { SYSTEM_CLOCK } from "../async/clock.ts";
import { ContainerSizes } from "../engine/containers/container_sizes.ts";
import { ContainerPruner } from "../engine/prune/container_pruner.ts";
import { DownloadPruner } from "../engine/prune/download_pruner.ts";
import { ImagePruner } from "../engine/prune/image_pruner.ts";
import { NetworkPruner } from "../engine/prune/network_pruner.ts";
import { VolumePruner } from "../engine/prune/volume_pruner.ts";
import { volumeUsers } from "../engine/volumes/volume_users.ts";
import { PruneService } from "../engine/prune/prune_service.ts";
import { CGROUP_FILES } from "../engine/stats/cgroup_files.ts";
import { containerCgroups, KernelNotices, StatsService } from "../engine/stats/mod.ts";
import { DiskUsage } from "../engine/system/disk_usage.ts";
import { files, poll } from "../sys/mod.ts";
import { cgroupsOf } from "./derived.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides statistics of running containers. */
export function provideStats(provide: Provide, { paths, info, log }: EngineSettings): void {
  provide(
    TOKENS.cgroups,
    (get) =>
      containerCgroups(
        info,
        cgroupsOf(get, paths),
        new KernelNotices({ files, poll, epoll: get(TOKENS.epoll), log }),
      ),
  );
  provide(TOKENS.stats, (get) =>
    new StatsService({
      table: get(TOKENS.table),
      cgroups: get(TOKENS.cgroups),
      memoryBytes: Deno.systemMemoryInfo().total,
      readProc: CGROUP_FILES.read,
    }));
}

/** Provides disk usage and pruning. */
export function provideUsage(provide: Provide, { log }: EngineSettings): void {
  provide(TOKENS.sizes, (get) => new ContainerSizes(get(TOKENS.snapshots), get(TOKENS.catalog)));
  provide(TOKENS.diskUsage, (get) =>
    new DiskUsage({
      table: get(TOKENS.table),
      catalog: get(TOKENS.catalog),
      usage: get(TOKENS.imageUsage),
      incomplete: get(TOKENS.incompletePulls),
      sizes: get(TOKENS.sizes),
    }));
  provide(TOKENS.prune, (get) => {
    const [table, records, leases] = [get(TOKENS.table), get(TOKENS.imageRecords), get(TOKENS.leases)];
    const shared = { table, clock: SYSTEM_CLOCK, layerSizes: get(TOKENS.layerSizes) };
    const layerUsers = { records, table, leases };
    const [containers, sizes] = [get(TOKENS.containers), get(TOKENS.sizes)];
    const [catalog, remover] = [get(TOKENS.catalog), get(TOKENS.remover)];
    return new PruneService({
      pruners: [
        new ContainerPruner({ ...shared, containers, sizes, layerUsers }),
        new NetworkPruner({ table: get(TOKENS.networkTable), networks: get(TOKENS.networkService) }),
        new VolumePruner({
          table: get(TOKENS.volumeTable),
          usage: get(TOKENS.volumeUsage),
          volumes: get(TOKENS.volumes),
          usersOf: volumeUsers(table),
        }),
        new ImagePruner({ ...shared, records, catalog, remover, leases }),
        new DownloadPruner(get(TOKENS.incompletePulls), SYSTEM_CLOCK),
      ],
      layerUsers,
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.events),
      log,
    });
  });
}
