/**
 * @module
 * What an engine consists of: its parts, grouped by noun. {@link Engine} is the one list; `src/composition/` has a factory
 * for each part, and the compiler refuses a part without one. Routes, startup and shutdown take the whole engine; every
 * other class takes the few parts that it uses as plain constructor parameters, so that tests can replace them.
 *
 * Parts are created when they are first read, so the order of creation follows from their dependencies. Creating a part
 * starts nothing.
 */
import type { KeyedLock } from "../async/keyed_lock.ts";
import type { RegistryClient } from "../image/registry/mod.ts";
import type { Log } from "../log.ts";
import type { HookBus, Metrics } from "../plugins/mod.ts";
import type { HostExec } from "../runtime/host_exec.ts";
import type { AttachCounts } from "../runtime/logs/attach_counts.ts";
import type { StdioRouter } from "../runtime/logs/stdio_router.ts";
import type { Reaper } from "../runtime/reaper.ts";
import type { HostInfo } from "../runtime/spec/mod.ts";
import type { ProcessStdio } from "../runtime/stdio.ts";
import type { BlobStore } from "../store/blob_store.ts";
import type { Database } from "../store/database.ts";
import type { LayerStorage, OpenLayers } from "../store/drivers.ts";
import type { ImageRecords } from "../store/image_records.ts";
import type { PluginRecords } from "../store/plugin_records.ts";
import type { Epoll } from "../sys/mod.ts";
import type { EngineConfig } from "./config/engine_config.ts";
import type { Proxies } from "./config/proxies.ts";
import type { ContainerCreator } from "./containers/container_creator.ts";
import type { ContainerLogs } from "./containers/container_logs.ts";
import type { ContainerService } from "./containers/container_service.ts";
import type { ContainerSizes } from "./containers/container_sizes.ts";
import type { ContainerCopy } from "./containers/copy.ts";
import type { ContainerDiff } from "./containers/diff.ts";
import type { FdHolders } from "./containers/fd_holders.ts";
import type { Freezer } from "./containers/freezer.ts";
import type { SignalSender } from "./containers/kill.ts";
import type { OomWatch } from "./containers/oom_watch.ts";
import type { PendingStdio } from "./containers/pending_stdio.ts";
import type { ContainerRemover } from "./containers/remove.ts";
import type { ContainerRenamer } from "./containers/rename.ts";
import type { RestartManager } from "./containers/restart_manager.ts";
import type { Restore } from "./containers/restore.ts";
import type { RuntimeProgram, Runtimes } from "./containers/runtimes.ts";
import type { NamespaceJoiner } from "./containers/shared_namespaces.ts";
import type { ContainerStarter } from "./containers/start.ts";
import type { ContainerSupervisor } from "./containers/supervisor.ts";
import type { ContainerTop } from "./containers/top.ts";
import type { ContainerUpdater } from "./containers/update.ts";
import type { Waiters } from "./containers/waiters.ts";
import type { CopyWorkers } from "./copy/workers.ts";
import type { ContainerEvents } from "./events/container_events.ts";
import type { EventBus } from "./events/event_bus.ts";
import type { EventHistory } from "./events/event_history.ts";
import type { ImageEvents } from "./events/image_events.ts";
import type { NetworkEvents } from "./events/network_events.ts";
import type { OrphanedIntents } from "./events/orphaned_intents.ts";
import type { VolumeEvents } from "./events/volume_events.ts";
import type { ExecStarter } from "./exec/exec_launcher.ts";
import type { ExecRestore } from "./exec/exec_restore.ts";
import type { ExecService } from "./exec/exec_service.ts";
import type { HealthChecks } from "./health/health_checks.ts";
import type { Fsck } from "./images/fsck.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "./images/image_archive_protocol.ts";
import type { ImageCatalog } from "./images/image_catalog.ts";
import type { ImageLeases } from "./images/image_leases.ts";
import type { ImageLoader } from "./images/image_loader.ts";
import type { ImageRemover } from "./images/image_remover.ts";
import type { ImageSaver } from "./images/image_saver.ts";
import type { ImageTagger } from "./images/image_tagger.ts";
import type { ImageUsage } from "./images/image_usage.ts";
import type { IncompletePulls } from "./images/incomplete_pulls.ts";
import type { IngestPool } from "./images/ingest_pool.ts";
import type { LayerLeases } from "./images/layer_leases.ts";
import type { LayerSizes } from "./images/layer_sizes.ts";
import type { Puller } from "./images/puller.ts";
import type { SharedSnapshots } from "./images/shared_snapshots.ts";
import type { ReexecState } from "./lifecycle/reexec.ts";
import type { Container } from "./model/container.ts";
import type { ContainerTable, StoredContainers } from "./model/container_table.ts";
import type { ContainerNetworks } from "./networks/container_networks.ts";
import type { SelfProgram } from "./networks/dns_process.ts";
import type { NetworkService } from "./networks/network_service.ts";
import type { NetworkTable } from "./networks/network_table.ts";
import type { EnginePaths } from "./paths.ts";
import type { PluginService } from "./plugins/plugin_service.ts";
import type { PruneService } from "./prune/prune_service.ts";
import type { ContainerCgroups, StatsService } from "./stats/mod.ts";
import type { DiskUsage } from "./system/disk_usage.ts";
import type { SystemService } from "./system/system_service.ts";
import type { ContainerVolumes } from "./volumes/container_volumes.ts";
import type { CopyUp } from "./volumes/copy_up.ts";
import type { ImageMounts } from "./volumes/image_mounts.ts";
import type { IncompleteVolumes } from "./volumes/incomplete_volumes.ts";
import type { VolumeCopies } from "./volumes/volume_copies.ts";
import type { VolumeMounts } from "./volumes/volume_mounts.ts";
import type { VolumeRenamer } from "./volumes/volume_rename.ts";
import type { VolumeService } from "./volumes/volume_service.ts";
import type { VolumeTable } from "./volumes/volume_table.ts";
import type { VolumeUsage } from "./volumes/volume_usage.ts";

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

/** What is stored below the data root. */
export interface StoreParts {
  /** The SQLite database with all records. */
  readonly database: Database;
  readonly imageRecords: ImageRecords;
  readonly containerRecords: StoredContainers;
  /** The plugins' own key-value storage. */
  readonly pluginRecords: PluginRecords;
  /** Manifests and configurations of images. */
  readonly blobs: BlobStore;
  /** Layers of images, by diffID. */
  readonly layers: OpenLayers;
  /** Root filesystems of containers. */
  readonly snapshots: SharedSnapshots;
}

/** Events and their emitters, by noun. */
export interface EventParts {
  /** Assigns ids and times to events, records them, and notifies listeners. */
  readonly bus: EventBus;
  readonly history: EventHistory;
  /** Events that the previous engine announced and did not complete. */
  readonly orphanedIntents: OrphanedIntents;
  readonly containers: ContainerEvents;
  readonly images: ImageEvents;
  readonly networks: NetworkEvents;
  readonly volumes: VolumeEvents;
}

/** OCI runtimes, processes and their output. */
export interface RuntimeParts {
  /** Watches descriptors of containers, execs and connections. */
  readonly epoll: Epoll;
  /** Waits for child processes. */
  readonly reaper: Reaper;
  /** The configured OCI runtimes, by name. */
  readonly runtimes: Runtimes;
  /** How many clients are attached to each container, kept for the next engine. */
  readonly attachCounts: AttachCounts;
  /** Routes the output of containers and execs to logs and clients. */
  readonly stdioRouter: StdioRouter;
  /** Runs programs of the host. */
  readonly hostExec: HostExec;
}

/** Networks, and what containers have of them. */
export interface NetworkParts {
  readonly table: NetworkTable;
  /** Connects containers to networks. */
  readonly containers: ContainerNetworks;
  /** Creates, changes and removes networks. */
  readonly service: NetworkService;
}

/** Images and their layers. */
export interface ImageParts {
  /** Finds images by name and digest. */
  readonly catalog: ImageCatalog;
  readonly puller: Puller;
  /** Interrupted downloads, to be resumed. */
  readonly incompletePulls: IncompletePulls;
  readonly registry: RegistryClient;
  /** The Workers that verify and unpack layers. */
  readonly ingestPool: IngestPool;
  /** Keep layers from removal while an operation uses them. */
  readonly layerLeases: LayerLeases;
  /** Keep images from removal while an operation uses them. */
  readonly leases: ImageLeases;
  readonly remover: ImageRemover;
  readonly tagger: ImageTagger;
  readonly loader: ImageLoader;
  readonly saver: ImageSaver;
  /** The Workers that read and write image archives. */
  readonly archiveWorkers: CopyWorkers<ImageArchiveJob, ImageArchiveInfo>;
  /** Verifies stored images. */
  readonly fsck: Fsck;
  readonly layerSizes: LayerSizes;
  readonly usage: ImageUsage;
}

/** Containers and their files. */
export interface ContainerParts {
  readonly table: ContainerTable;
  /** One lock for each container, held by every operation that changes it. */
  readonly locks: KeyedLock;
  readonly creator: ContainerCreator;
  /** Starts, stops, kills, waits for and removes containers. */
  readonly service: ContainerService;
  readonly remover: ContainerRemover;
  readonly renamer: ContainerRenamer;
  readonly updater: ContainerUpdater;
  /** Copies files into and out of containers. */
  readonly copy: ContainerCopy;
  /** The Workers that pack and unpack file trees. */
  readonly copyWorkers: CopyWorkers;
  readonly diff: ContainerDiff;
  readonly sizes: ContainerSizes;
  readonly logs: ContainerLogs;
  /** Resolves modes such as `container:NAME`. */
  readonly namespaces: NamespaceJoiner;
}

/** What a container has while it runs (the term is containerd's). */
export interface TaskParts {
  readonly starter: ContainerStarter;
  /** Follows each task from start to exit. */
  readonly supervisor: ContainerSupervisor;
  readonly waiters: Waiters;
  /** Opens a task's standard streams. */
  readonly newStdio: (container: Container) => ProcessStdio;
  /** Standard streams of tasks that clients attached to before the start. */
  readonly pendingStdio: PendingStdio;
  /** Processes that keep descriptors of tasks while no engine runs. */
  readonly fdHolders: FdHolders;
  readonly restartManager: RestartManager;
  /** Takes over the tasks that the previous engine started. */
  readonly restore: Restore;
  readonly signals: SignalSender;
  readonly freezer: Freezer;
  readonly oomWatch: OomWatch;
  readonly health: HealthChecks;
  readonly cgroups: ContainerCgroups;
  readonly stats: StatsService;
  readonly top: ContainerTop;
}

/** Further processes in running containers. */
export interface ExecParts {
  readonly starter: ExecStarter;
  readonly service: ExecService;
  /** Takes over the execs that the previous engine started. */
  readonly restore: ExecRestore;
}

/** Volumes. */
export interface VolumeParts {
  readonly table: VolumeTable;
  readonly service: VolumeService;
  /** One lock for each volume. */
  readonly locks: KeyedLock;
  /** Mounts of volumes that have options of the driver `local`. */
  readonly mounts: VolumeMounts;
  /** Volumes and mounted images that a container requests. */
  readonly containers: ContainerVolumes;
  readonly imageMounts: ImageMounts;
  readonly copies: VolumeCopies;
  readonly renamer: VolumeRenamer;
  /** Copies an image's content into an empty volume. */
  readonly copyUp: CopyUp;
  readonly incomplete: IncompleteVolumes;
  readonly usage: VolumeUsage;
}

/** The hook bus and plugins. */
export interface PluginParts {
  /** Calls plugins. */
  readonly hooks: HookBus;
  /** Installs, enables and removes plugins. */
  readonly service: PluginService;
  /** Undefined unless configured. */
  readonly metrics: Metrics | undefined;
}

/** Information about the engine as a whole. */
export interface SystemParts {
  readonly service: SystemService;
  readonly diskUsage: DiskUsage;
  readonly prune: PruneService;
}

/** An engine. */
export interface Engine {
  readonly settings: EngineSettings;
  readonly store: StoreParts;
  readonly events: EventParts;
  readonly runtime: RuntimeParts;
  readonly networks: NetworkParts;
  readonly images: ImageParts;
  readonly containers: ContainerParts;
  readonly tasks: TaskParts;
  readonly execs: ExecParts;
  readonly volumes: VolumeParts;
  readonly plugins: PluginParts;
  readonly system: SystemParts;
}
