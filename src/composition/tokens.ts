/**
 * @module
 * The tokens of the engine's parts, and the settings that they are created from.
 */
import type { ApiServer } from "../api/http/server.ts";
import type { Services } from "../api/services.ts";
import type { CopyWorkers } from "../engine/copy/workers.ts";
import type { ContainerCopy } from "../engine/containers/copy.ts";
import type { Restore } from "../engine/containers/restore.ts";
import type { ContainerCreator } from "../engine/containers/container_creator.ts";
import type { Container } from "../engine/model/container.ts";
import type { ContainerLogs } from "../engine/containers/container_logs.ts";
import type { ContainerRemover } from "../engine/containers/remove.ts";
import type { PendingStdio } from "../engine/containers/pending_stdio.ts";
import type { ContainerSupervisor } from "../engine/containers/supervisor.ts";
import type { ContainerSizes } from "../engine/containers/container_sizes.ts";
import type { ContainerService } from "../engine/containers/container_service.ts";
import type { ContainerTable, StoredContainers } from "../engine/model/container_table.ts";
import type { Freezer } from "../engine/containers/freezer.ts";
import type { NamespaceJoiner } from "../engine/containers/shared_namespaces.ts";
import type { FdHolders } from "../engine/containers/fd_holders.ts";
import type { ContainerStarter } from "../engine/containers/start.ts";
import type { OomWatch } from "../engine/containers/oom_watch.ts";
import type { ContainerTop } from "../engine/containers/top.ts";
import type { ContainerRenamer } from "../engine/containers/rename.ts";
import type { ContainerUpdater } from "../engine/containers/update.ts";
import type { RestartManager } from "../engine/containers/restart_manager.ts";
import type { SignalSender } from "../engine/containers/kill.ts";
import type { Waiters } from "../engine/containers/waiters.ts";
import type { ContainerEvents } from "../engine/events/container_events.ts";
import type { EventBus } from "../engine/events/event_bus.ts";
import type { EventHistory } from "../engine/events/event_history.ts";
import type { OrphanedIntents } from "../engine/events/orphaned_intents.ts";
import type { VolumeEvents } from "../engine/events/volume_events.ts";
import type { ContainerVolumes } from "../engine/volumes/container_volumes.ts";
import type { VolumeMounts } from "../engine/volumes/volume_mounts.ts";
import type { VolumeService } from "../engine/volumes/volume_service.ts";
import type { VolumeCopies } from "../engine/volumes/volume_copies.ts";
import type { VolumeRenamer } from "../engine/volumes/volume_rename.ts";
import type { VolumeUsage } from "../engine/volumes/volume_usage.ts";
import type { CopyUp } from "../engine/volumes/copy_up.ts";
import type { IncompleteVolumes } from "../engine/volumes/incomplete_volumes.ts";
import type { VolumeTable } from "../engine/volumes/volume_table.ts";
import type { ImageEvents } from "../engine/events/image_events.ts";
import type { ExecRestore } from "../engine/exec/exec_restore.ts";
import type { EngineConfig } from "../engine/config/engine_config.ts";
import type { Proxies } from "../engine/config/proxies.ts";
import type { ExecStarter } from "../engine/exec/exec_launcher.ts";
import type { ExecService } from "../engine/exec/exec_service.ts";
import type { HealthChecks } from "../engine/health/health_checks.ts";
import type { ImageCatalog } from "../engine/images/image_catalog.ts";
import type { Fsck } from "../engine/images/fsck.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "../engine/images/image_archive_protocol.ts";
import type { ImageLoader } from "../engine/images/image_loader.ts";
import type { ImageSaver } from "../engine/images/image_saver.ts";
import type { ImageRemover } from "../engine/images/image_remover.ts";
import type { ImageTagger } from "../engine/images/image_tagger.ts";
import type { ImageLeases } from "../engine/images/image_leases.ts";
import type { ImageMounts } from "../engine/volumes/image_mounts.ts";
import type { ImageUsage } from "../engine/images/image_usage.ts";
import type { IngestPool } from "../engine/images/ingest_pool.ts";
import type { LayerLeases } from "../engine/images/layer_leases.ts";
import type { LayerSizes } from "../engine/images/layer_sizes.ts";
import type { Puller } from "../engine/images/puller.ts";
import type { IncompletePulls } from "../engine/images/incomplete_pulls.ts";
import type { HostExec } from "../runtime/host_exec.ts";
import type { SelfProgram } from "../engine/networks/dns_process.ts";
import type { ContainerNetworks } from "../engine/networks/container_networks.ts";
import type { NetworkEvents } from "../engine/events/network_events.ts";
import type { NetworkService } from "../engine/networks/network_service.ts";
import type { NetworkTable } from "../engine/networks/network_table.ts";
import type { ReexecState } from "../engine/lifecycle/reexec.ts";
import type { KeyedLock } from "../async/keyed_lock.ts";
import type { EnginePaths } from "../engine/paths.ts";
import type { PluginService } from "../engine/plugins/plugin_service.ts";
import type { PruneService } from "../engine/prune/prune_service.ts";
import type { RuntimeProgram, Runtimes } from "../engine/containers/runtimes.ts";
import type { SharedSnapshots } from "../engine/images/shared_snapshots.ts";
import type { ContainerCgroups, StatsService } from "../engine/stats/mod.ts";
import type { DiskUsage } from "../engine/system/disk_usage.ts";
import type { SystemService } from "../engine/system/system_service.ts";
import type { RegistryClient } from "../image/registry/mod.ts";
import type { Log } from "../log.ts";
import type { HookBus, Metrics } from "../plugins/mod.ts";
import type { Reaper } from "../runtime/reaper.ts";
import type { AttachCounts } from "../runtime/logs/attach_counts.ts";
import type { StdioRouter } from "../runtime/logs/stdio_router.ts";
import type { ProcessStdio } from "../runtime/stdio.ts";
import type { HostInfo } from "../runtime/spec/mod.ts";
import type { BlobStore } from "../store/blob_store.ts";
import type { Database } from "../store/database.ts";
import type { ImageRecords } from "../store/image_records.ts";
import type { PluginRecords } from "../store/plugin_records.ts";
import type { LayerStorage, OpenLayers } from "../store/drivers.ts";
import type { Epoll } from "../sys/mod.ts";
import { type Token, token } from "../token.ts";

/** The engine's settings, determined outside of the composition. */
export interface EngineSettings {
  readonly paths: EnginePaths;
  /** The storage driver and its location. */
  readonly storage: LayerStorage;
  readonly info: HostInfo;
  readonly log: Log;
  /** The OCI runtimes by name. */
  readonly runtimes: ReadonlyMap<string, RuntimeProgram>;
  readonly config: EngineConfig;
  readonly proxies: Proxies;
  /** The process's environment at its start. */
  readonly environment: Readonly<Record<string, string>>;
  /** The state passed on by this process before it re-executed itself. */
  readonly notes?: ReexecState | undefined;
  /** This program's command, to start helper processes; undefined if the engine is embedded in another program. */
  readonly program?: SelfProgram | undefined;
  /** Called with the user agent of every request. */
  readonly onRequest?: (userAgent: string) => void;
}

/** All tokens. */
export const TOKENS = {
  settings: token<EngineSettings>("settings"),
  database: token<Database>("database"),
  imageRecords: token<ImageRecords>("imageRecords"),
  containerRecords: token<StoredContainers>("containerRecords"),
  blobs: token<BlobStore>("blobs"),
  layers: token<OpenLayers>("layers"),
  snapshots: token<SharedSnapshots>("snapshots"),
  networks: token<ContainerNetworks>("networks"),
  networkTable: token<NetworkTable>("networkTable"),
  networkEvents: token<NetworkEvents>("networkEvents"),
  networkService: token<NetworkService>("networkService"),
  runHost: token<HostExec>("runHost"),
  epoll: token<Epoll>("epoll"),
  exits: token<Reaper>("exits"),
  attachedMarks: token<AttachCounts>("attachedMarks"),
  outputs: token<StdioRouter>("outputs"),
  runtimes: token<Runtimes>("runtimes"),
  registry: token<RegistryClient>("registry"),
  leases: token<LayerLeases>("leases"),
  pool: token<IngestPool>("pool"),
  table: token<ContainerTable>("table"),
  catalog: token<ImageCatalog>("catalog"),
  remover: token<ImageRemover>("remover"),
  tagger: token<ImageTagger>("tagger"),
  imageArchiveWorkers: token<CopyWorkers<ImageArchiveJob, ImageArchiveInfo>>("imageArchiveWorkers"),
  loader: token<ImageLoader>("loader"),
  saver: token<ImageSaver>("saver"),
  layerSizes: token<LayerSizes>("layerSizes"),
  imageUsage: token<ImageUsage>("imageUsage"),
  imageCheck: token<Fsck>("imageCheck"),
  puller: token<Puller>("puller"),
  incompletePulls: token<IncompletePulls>("incompletePulls"),
  launcher: token<ContainerStarter>("launcher"),
  fdHolders: token<FdHolders>("fdHolders"),
  containerLocks: token<KeyedLock>("containerLocks"),
  creator: token<ContainerCreator>("creator"),
  waiters: token<Waiters>("waiters"),
  newContainerIo: token<(container: Container) => ProcessStdio>("newContainerIo"),
  runs: token<ContainerSupervisor>("runs"),
  removals: token<ContainerRemover>("removals"),
  nextStreams: token<PendingStdio>("nextStreams"),
  restarts: token<RestartManager>("restarts"),
  restore: token<Restore>("restore"),
  containers: token<ContainerService>("containers"),
  logs: token<ContainerLogs>("logs"),
  archiveWorkers: token<CopyWorkers>("archiveWorkers"),
  archives: token<ContainerCopy>("archives"),
  execLauncher: token<ExecStarter>("execLauncher"),
  execs: token<ExecService>("execs"),
  execRestore: token<ExecRestore>("execRestore"),
  system: token<SystemService>("system"),
  eventHistory: token<EventHistory>("eventHistory"),
  orphanedIntents: token<OrphanedIntents>("leftIntents"),
  events: token<EventBus>("events"),
  containerEvents: token<ContainerEvents>("containerEvents"),
  imageEvents: token<ImageEvents>("imageEvents"),
  cgroups: token<ContainerCgroups>("cgroups"),
  freezer: token<Freezer>("freezer"),
  health: token<HealthChecks>("health"),
  signals: token<SignalSender>("signals"),
  namespaces: token<NamespaceJoiner>("namespaces"),
  renamer: token<ContainerRenamer>("renamer"),
  updater: token<ContainerUpdater>("updater"),
  processList: token<ContainerTop>("processList"),
  oom: token<OomWatch>("oom"),
  stats: token<StatsService>("stats"),
  sizes: token<ContainerSizes>("sizes"),
  plugins: token<PluginService>("plugins"),
  prune: token<PruneService>("prune"),
  diskUsage: token<DiskUsage>("diskUsage"),
  services: token<Services>("services"),
  hooks: token<HookBus>("hooks"),
  pluginRecords: token<PluginRecords>("pluginRecords"),
  /** Undefined unless configured. */
  metrics: token<Metrics | undefined>("metrics"),
  server: token<ApiServer>("server"),
  imageLeases: token<ImageLeases>("imageLeases"),
  imageMounts: token<ImageMounts>("imageMounts"),
  volumeTable: token<VolumeTable>("volumeTable"),
  volumeEvents: token<VolumeEvents>("volumeEvents"),
  volumes: token<VolumeService>("volumes"),
  volumeLocks: token<KeyedLock>("volumeLocks"),
  volumeCopies: token<VolumeCopies>("volumeCopies"),
  volumeRenamer: token<VolumeRenamer>("volumeRenamer"),
  volumeFilling: token<CopyUp>("volumeFilling"),
  incompleteVolumes: token<IncompleteVolumes>("incompleteVolumes"),
  volumeUsage: token<VolumeUsage>("volumeUsage"),
  volumeMounts: token<VolumeMounts>("volumeMounts"),
  containerVolumes: token<ContainerVolumes>("containerVolumes"),
} as const;

/** Returns the singleton of a token. */
export type Get = <T>(token: Token<T>) => T;

/** Registers the factory of a token, called when it is first requested. */
export type Provide = <T>(token: Token<T>, make: (get: Get) => T) => void;
