/**
 * @module
 * The engine's services that routes use.
 */
import type { ContainerCopy } from "../engine/containers/copy.ts";
import type { ContainerDiff } from "../engine/containers/diff.ts";
import type { ContainerCreator } from "../engine/containers/container_creator.ts";
import type { ContainerService } from "../engine/containers/container_service.ts";
import type { ContainerSizes } from "../engine/containers/container_sizes.ts";
import type { ContainerTable } from "../engine/model/container_table.ts";
import type { ContainerLogs } from "../engine/containers/container_logs.ts";
import type { Freezer } from "../engine/containers/freezer.ts";
import type { ContainerTop } from "../engine/containers/top.ts";
import type { ContainerRenamer } from "../engine/containers/rename.ts";
import type { ContainerUpdater } from "../engine/containers/update.ts";
import type { ContainerEvents } from "../engine/events/container_events.ts";
import type { EventBus } from "../engine/events/event_bus.ts";
import type { ExecService } from "../engine/exec/exec_service.ts";
import type { ImageCatalog } from "../engine/images/image_catalog.ts";
import type { Fsck } from "../engine/images/fsck.ts";
import type { ImageLoader } from "../engine/images/image_loader.ts";
import type { ImageRemover } from "../engine/images/image_remover.ts";
import type { ImageSaver } from "../engine/images/image_saver.ts";
import type { ImageTagger } from "../engine/images/image_tagger.ts";
import type { ImageUsage } from "../engine/images/image_usage.ts";
import type { LayerSizes } from "../engine/images/layer_sizes.ts";
import type { Puller } from "../engine/images/puller.ts";
import type { Metrics } from "../plugins/mod.ts";
import type { RegistryClient } from "../image/registry/mod.ts";
import type { ContainerNetworks } from "../engine/networks/container_networks.ts";
import type { NetworkService } from "../engine/networks/network_service.ts";
import type { NetworkTable } from "../engine/networks/network_table.ts";
import type { EnginePaths } from "../engine/paths.ts";
import type { PluginService } from "../engine/plugins/plugin_service.ts";
import type { PruneService } from "../engine/prune/prune_service.ts";
import type { StatsService } from "../engine/stats/mod.ts";
import type { HealthChecks } from "../engine/health/health_checks.ts";
import type { DiskUsage } from "../engine/system/disk_usage.ts";
import type { VolumeService } from "../engine/volumes/volume_service.ts";
import type { VolumeCopies } from "../engine/volumes/volume_copies.ts";
import type { VolumeRenamer } from "../engine/volumes/volume_rename.ts";
import type { VolumeUsage } from "../engine/volumes/volume_usage.ts";
import type { VolumeTable } from "../engine/volumes/volume_table.ts";
import type { SystemService } from "../engine/system/system_service.ts";

export interface Services {
  readonly creator: ContainerCreator;
  readonly containers: ContainerService;
  readonly networks: ContainerNetworks;
  readonly networkTable: NetworkTable;
  readonly networkService: NetworkService;
  readonly table: ContainerTable;
  readonly sizes: ContainerSizes;
  readonly archives: ContainerCopy;
  readonly changes: ContainerDiff;
  readonly logs: ContainerLogs;
  readonly execs: ExecService;
  readonly images: ImageCatalog;
  readonly imageRemover: ImageRemover;
  readonly imageTagger: ImageTagger;
  readonly imageLoader: ImageLoader;
  readonly imageSaver: ImageSaver;
  readonly imageUsage: ImageUsage;
  readonly imageCheck: Fsck;
  readonly layerSizes: LayerSizes;
  readonly puller: Puller;
  readonly registry: Pick<RegistryClient, "login">;
  readonly system: SystemService;
  readonly diskUsage: DiskUsage;
  readonly plugins: PluginService;
  readonly prune: PruneService;
  readonly events: EventBus;
  readonly containerEvents: ContainerEvents;
  readonly stats: StatsService;
  readonly freezer: Freezer;
  readonly health: HealthChecks;
  readonly renamer: ContainerRenamer;
  readonly updater: ContainerUpdater;
  readonly processList: ContainerTop;
  readonly volumes: VolumeService;
  readonly volumeTable: VolumeTable;
  readonly volumeUsage: VolumeUsage;
  readonly volumeCopies: VolumeCopies;
  readonly volumeRenamer: VolumeRenamer;
  /** Undefined unless configured. */
  readonly metrics: Metrics | undefined;
  readonly paths: EnginePaths;
  /** Name of the storage driver. */
  readonly driver: string;
}
