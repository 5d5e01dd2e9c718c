/**
 * @module
 * The composition root: the only module that sees the container of tsyringe. Each token has one factory; everything
 * else in the engine takes plain constructor parameters. Nothing starts here: see `serve.ts`.
 */
import "reflect-metadata";
import { container as root, type DependencyContainer, instanceCachingFactory } from "tsyringe";
import { epollHangUps } from "./api/http/hang_up.ts";
import { ApiServer } from "./api/http/server.ts";
import { allRoutes } from "./api/routes/mod.ts";
import type { Services } from "./api/services.ts";
import { BUILD_INFO } from "./build_info.ts";
import { SYSTEM_CLOCK } from "./engine/clock.ts";
import { ArchiveWorkers } from "./engine/archives/archive_workers.ts";
import { ContainerArchives } from "./engine/archives/container_archives.ts";
import { Adoption } from "./engine/containers/adoption.ts";
import { ContainerChanges } from "./engine/containers/container_changes.ts";
import { ContainerCreator } from "./engine/containers/container_creator.ts";
import type { Container } from "./engine/containers/container.ts";
import { ContainerLogs } from "./engine/containers/container_logs.ts";
import { ContainerRuns } from "./engine/containers/container_runs.ts";
import { ContainerSizes } from "./engine/containers/container_sizes.ts";
import { ContainerService } from "./engine/containers/container_service.ts";
import { ContainerTable, type StoredContainers } from "./engine/containers/container_table.ts";
import { Freezer } from "./engine/containers/freezer.ts";
import { NamespaceJoiner } from "./engine/containers/joined_namespaces.ts";
import { KEEPER_PROCESSES, Keepers } from "./engine/containers/keepers.ts";
import { Launcher } from "./engine/containers/launcher.ts";
import { LeftCgroups } from "./engine/containers/left_cgroups.ts";
import { OomWatch } from "./engine/containers/oom_watch.ts";
import { ProcessList } from "./engine/containers/process_list.ts";
import { ContainerRenamer } from "./engine/containers/renamer.ts";
import { ContainerUpdater } from "./engine/containers/updater.ts";
import { Restarts } from "./engine/containers/restarts.ts";
import { Signaller } from "./engine/containers/signaller.ts";
import { Waiters } from "./engine/containers/waiters.ts";
import { ContainerEvents } from "./engine/events/container_events.ts";
import { EventBus } from "./engine/events/event_bus.ts";
import { EventHistory } from "./engine/events/event_history.ts";
import { ImageEvents } from "./engine/events/image_events.ts";
import { ExecAdoption } from "./engine/exec/exec_adoption.ts";
import type { EngineConfig } from "./engine/config/engine_config.ts";
import type { Proxies } from "./engine/config/proxies.ts";
import { ExecLauncher } from "./engine/exec/exec_launcher.ts";
import { ExecService } from "./engine/exec/exec_service.ts";
import { execProbe } from "./engine/health/exec_probe.ts";
import { HealthChecks } from "./engine/health/health_checks.ts";
import { FileHealthStore } from "./engine/health/health_store.ts";
import { ImageCatalog } from "./engine/images/image_catalog.ts";
import { ImageRemover } from "./engine/images/image_remover.ts";
import { ImageTagger } from "./engine/images/image_tagger.ts";
import { ImageUsage } from "./engine/images/image_usage.ts";
import { ImageUses } from "./engine/images/image_uses.ts";
import { IngestPool } from "./engine/images/ingest_pool.ts";
import { LayerLeases } from "./engine/images/layer_leases.ts";
import { LayerSizes } from "./engine/images/layer_sizes.ts";
import { Puller } from "./engine/images/puller.ts";
import { hostCommand } from "./engine/host_command.ts";
import type { HandoverNotes } from "./engine/handover.ts";
import { KeyedLock } from "./engine/keyed_lock.ts";
import { isInCgroup, leftEnd, leftExit, openProcess } from "./engine/left_process.ts";
import { containerIo, newProcessIo } from "./engine/new_process_io.ts";
import { containerCgroup, type EnginePaths, runtimeRoot } from "./engine/paths.ts";
import { ContainerPruner } from "./engine/prune/container_pruner.ts";
import { ImagePruner } from "./engine/prune/image_pruner.ts";
import { PruneService } from "./engine/prune/prune_service.ts";
import { type RuntimeProgram, Runtimes } from "./engine/runtimes.ts";
import { SharedSnapshots } from "./engine/shared_snapshots.ts";
import { CGROUP_FILES } from "./engine/stats/cgroup_files.ts";
import {
  type CgroupOf,
  type ContainerCgroups,
  containerCgroups,
  KernelNotices,
  StatsService,
} from "./engine/stats/mod.ts";
import { DiskUsage } from "./engine/system/disk_usage.ts";
import { SystemService } from "./engine/system/system_service.ts";
import { hashEngineName } from "./hash/mod.ts";
import { RegistryClient } from "./image/registry/mod.ts";
import type { Log } from "./log.ts";
import { HookBus, lifecycleLog } from "./plugins/mod.ts";
import { ExitLoop } from "./runtime/exit_loop.ts";
import type { KeeperRef } from "./runtime/keeper.ts";
import { OutputHub } from "./runtime/logs/output_hub.ts";
import type { FifoCalls } from "./runtime/fifo_io.ts";
import type { ProcessIo } from "./runtime/process_io.ts";
import { CGROUP_MOVE_FILES, CgroupMoves } from "./runtime/cgroup_moves.ts";
import { Runc } from "./runtime/runc.ts";
import type { HostFacts } from "./runtime/spec/mod.ts";
import { BlobStore } from "./store/blob_store.ts";
import { ContainerRecords } from "./store/container_records.ts";
import { Database } from "./store/database.ts";
import { EventRecords } from "./store/event_records.ts";
import { ImageRecords } from "./store/image_records.ts";
import { OverlaySnapshotter } from "./store/overlay/mod.ts";
import { type LayerStorage, openLayers } from "./store/storage.ts";
import type { LayerStore } from "./store/ports.ts";
import { Epoll, files, mounts, poll, processes, tree } from "./sys/mod.ts";
import { type Token, token } from "./token.ts";
import { workerUrl } from "./worker_entry.ts";

/** What the engine is told from outside. */
export interface EngineSettings {
  readonly paths: EnginePaths;
  /** How layers are kept. */
  readonly storage: LayerStorage;
  readonly facts: HostFacts;
  readonly log: Log;
  /** The OCI runtimes by name. */
  readonly runtimes: ReadonlyMap<string, RuntimeProgram>;
  readonly config: EngineConfig;
  readonly proxies: Proxies;
  /** From this very process, before it executed itself anew. */
  readonly notes?: HandoverNotes | undefined;
  /** Told of every request's user agent. */
  readonly onRequest?: (userAgent: string) => void;
}

/** Everything that can be asked for. */
export const TOKENS = {
  settings: token<EngineSettings>("settings"),
  database: token<Database>("database"),
  imageRecords: token<ImageRecords>("imageRecords"),
  containerRecords: token<StoredContainers>("containerRecords"),
  blobs: token<BlobStore>("blobs"),
  layers: token<LayerStore & Partial<Disposable>>("layers"),
  snapshots: token<SharedSnapshots>("snapshots"),
  epoll: token<Epoll>("epoll"),
  exits: token<ExitLoop>("exits"),
  outputs: token<OutputHub>("outputs"),
  runtimes: token<Runtimes>("runtimes"),
  registry: token<RegistryClient>("registry"),
  leases: token<LayerLeases>("leases"),
  pool: token<IngestPool>("pool"),
  table: token<ContainerTable>("table"),
  catalog: token<ImageCatalog>("catalog"),
  remover: token<ImageRemover>("remover"),
  tagger: token<ImageTagger>("tagger"),
  layerSizes: token<LayerSizes>("layerSizes"),
  imageUsage: token<ImageUsage>("imageUsage"),
  puller: token<Puller>("puller"),
  launcher: token<Launcher>("launcher"),
  keepers: token<Keepers>("keepers"),
  containerLocks: token<KeyedLock>("containerLocks"),
  creator: token<ContainerCreator>("creator"),
  waiters: token<Waiters>("waiters"),
  newContainerIo: token<(container: Container) => ProcessIo>("newContainerIo"),
  runs: token<ContainerRuns>("runs"),
  restarts: token<Restarts>("restarts"),
  adoption: token<Adoption>("adoption"),
  containers: token<ContainerService>("containers"),
  logs: token<ContainerLogs>("logs"),
  archiveWorkers: token<ArchiveWorkers>("archiveWorkers"),
  archives: token<ContainerArchives>("archives"),
  execLauncher: token<ExecLauncher>("execLauncher"),
  execs: token<ExecService>("execs"),
  execAdoption: token<ExecAdoption>("execAdoption"),
  system: token<SystemService>("system"),
  eventHistory: token<EventHistory>("eventHistory"),
  events: token<EventBus>("events"),
  containerEvents: token<ContainerEvents>("containerEvents"),
  imageEvents: token<ImageEvents>("imageEvents"),
  cgroups: token<ContainerCgroups>("cgroups"),
  freezer: token<Freezer>("freezer"),
  health: token<HealthChecks>("health"),
  signaller: token<Signaller>("signaller"),
  namespaces: token<NamespaceJoiner>("namespaces"),
  renamer: token<ContainerRenamer>("renamer"),
  updater: token<ContainerUpdater>("updater"),
  processList: token<ProcessList>("processList"),
  oom: token<OomWatch>("oom"),
  stats: token<StatsService>("stats"),
  sizes: token<ContainerSizes>("sizes"),
  prune: token<PruneService>("prune"),
  diskUsage: token<DiskUsage>("diskUsage"),
  services: token<Services>("services"),
  hooks: token<HookBus>("hooks"),
  server: token<ApiServer>("server"),
} as const;

type Get = <T>(token: Token<T>) => T;

const ioCalls = (get: Get): FifoCalls => ({ files, tree, epoll: get(TOKENS.epoll) });

/** Where containers' cgroups are, by id: one that nobody knows any more had no parent of its own. */
const cgroupsOf = (get: Get, paths: EnginePaths): CgroupOf => (id) =>
  containerCgroup(paths, get(TOKENS.table).known(id) ?? { id, record: { hostConfig: {} } });

/** One engine's objects, each made when it is first asked for. */
export class Composition {
  readonly #container: DependencyContainer = root.createChildContainer();
  readonly get: Get = (wanted) => this.#container.resolve(wanted.key);

  constructor(settings: EngineSettings) {
    this.#provide(TOKENS.settings, () => settings);
    this.#provideStores(settings);
    this.#provideEvents(settings);
    this.#provideRuntime(settings);
    this.#provideImages(settings);
    this.#provideContainers(settings);
    this.#provideRuns(settings);
    this.#provideStats(settings);
    this.#provideUsage(settings);
    this.#provideControls(settings);
    this.#provideApi(settings);
  }

  #provide<T>(token: Token<T>, make: (get: Get) => T): void {
    this.#container.register(token.key, { useFactory: instanceCachingFactory(() => make(this.get)) });
  }

  #provideStores({ paths, storage }: EngineSettings): void {
    this.#provide(TOKENS.database, () => Database.open(`${paths.dataRoot}/tsd.db`));
    this.#provide(TOKENS.imageRecords, (get) => new ImageRecords(get(TOKENS.database)));
    this.#provide(TOKENS.containerRecords, (get) => new ContainerRecords(get(TOKENS.database)));
    this.#provide(TOKENS.blobs, () => new BlobStore(paths.dataRoot));
    this.#provide(TOKENS.layers, () => openLayers(storage));
    this.#provide(TOKENS.snapshots, (get) => {
      const snapshots = new OverlaySnapshotter({ root: storage.root, layers: get(TOKENS.layers) });
      const isRunning = (id: string) => get(TOKENS.table).has(id) && get(TOKENS.table).find(id).isRunning;
      return new SharedSnapshots(snapshots, isRunning);
    });
  }

  #provideEvents({ log }: EngineSettings): void {
    this.#provide(
      TOKENS.eventHistory,
      (get) => new EventHistory(new EventRecords(get(TOKENS.database)), log),
    );
    this.#provide(TOKENS.events, (get) => new EventBus(get(TOKENS.eventHistory)));
    this.#provide(TOKENS.containerEvents, (get) => new ContainerEvents(get(TOKENS.events)));
    this.#provide(TOKENS.imageEvents, (get) => new ImageEvents(get(TOKENS.events)));
  }

  #provideRuntime({ paths, log, runtimes, config }: EngineSettings): void {
    this.#provide(
      TOKENS.epoll,
      () =>
        new Epoll({
          onHandlerError: (thrown, fd) => log.error("a descriptor's handler failed", { fd, error: String(thrown) }),
        }),
    );
    this.#provide(TOKENS.exits, () => new ExitLoop(processes));
    this.#provide(TOKENS.outputs, () => new OutputHub(workerUrl("logs"), log));
    this.#provide(TOKENS.runtimes, (get) => {
      const moves = new CgroupMoves(CGROUP_MOVE_FILES, Deno.pid, log.scope("runtime"));
      const make = (name: string, { path, args }: RuntimeProgram) => {
        // Other runtimes let their containers wait in other ways.
        const isRunc = /\/runc$/.test(path) && args.length === 0;
        const fifoCalls = isRunc ? { fifoCalls: { files, tree, epoll: get(TOKENS.epoll) } } : {};
        const stateRoot = runtimeRoot(paths, name);
        const options = { path, args, isRunc, stateRoot, logDir: paths.runDir, moves, ...fifoCalls };
        return new Runc(options, processes, get(TOKENS.exits));
      };
      return new Runtimes(runtimes, config.defaultRuntime, make);
    });
  }

  #provideImages({ storage, log, config }: EngineSettings): void {
    const { registries, maxDownloads } = config;
    this.#provide(TOKENS.registry, () => new RegistryClient({ ...registries, log }));
    this.#provide(TOKENS.leases, () => new LayerLeases());
    this.#provide(
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
    this.#provide(TOKENS.catalog, (get) => new ImageCatalog(get(TOKENS.imageRecords), get(TOKENS.blobs), log));
    this.#provide(TOKENS.puller, (get) =>
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
      }));
    this.#provide(TOKENS.remover, (get) =>
      new ImageRemover({
        catalog: get(TOKENS.catalog),
        records: get(TOKENS.imageRecords),
        blobs: get(TOKENS.blobs),
        layers: get(TOKENS.layers),
        leases: get(TOKENS.leases),
        containers: get(TOKENS.table),
        events: get(TOKENS.imageEvents),
      }));
    this.#provide(
      TOKENS.tagger,
      (get) => new ImageTagger(get(TOKENS.catalog), get(TOKENS.imageRecords), get(TOKENS.imageEvents)),
    );
    this.#provide(TOKENS.layerSizes, (get) => new LayerSizes(get(TOKENS.layers)));
    this.#provide(TOKENS.imageUsage, (get) => new ImageUsage(get(TOKENS.imageRecords), get(TOKENS.layerSizes)));
  }

  #provideContainers({ paths, facts, log }: EngineSettings): void {
    this.#provide(TOKENS.hooks, () => new HookBus([lifecycleLog(log)], log));
    this.#provide(TOKENS.table, (get) => new ContainerTable(get(TOKENS.containerRecords), log));
    this.#provide(
      TOKENS.launcher,
      (get) =>
        new Launcher({
          paths,
          facts,
          log,
          processes,
          mounts,
          namespaces: get(TOKENS.namespaces),
          snapshots: get(TOKENS.snapshots),
          runtimes: get(TOKENS.runtimes),
          leftCgroups: new LeftCgroups(cgroupsOf(get, paths), processes),
          keepers: get(TOKENS.keepers),
        }),
    );
    this.#provide(TOKENS.keepers, (get) => {
      const ended = (keeper: KeeperRef) => leftEnd(keeper, get(TOKENS.exits), get(TOKENS.epoll));
      return new Keepers({ paths, log, keepers: { ...KEEPER_PROCESSES, ended } });
    });
    this.#provide(TOKENS.containerLocks, () => new KeyedLock());
    this.#provide(TOKENS.creator, (get) =>
      new ContainerCreator({
        paths,
        facts,
        table: get(TOKENS.table),
        images: get(TOKENS.catalog),
        imageUses: new ImageUses({
          records: get(TOKENS.imageRecords),
          leases: get(TOKENS.leases),
          sweepLayers: (diffIds) => get(TOKENS.remover).sweepLayers(diffIds),
        }),
        snapshots: get(TOKENS.snapshots),
        hooks: get(TOKENS.hooks),
        events: get(TOKENS.containerEvents),
        locks: get(TOKENS.containerLocks),
        runtimes: get(TOKENS.runtimes),
        namespaces: get(TOKENS.namespaces),
      }));
    this.#provide(TOKENS.namespaces, (get) => new NamespaceJoiner({ paths, files, table: get(TOKENS.table) }));
    this.#provide(TOKENS.logs, (get) => new ContainerLogs(get(TOKENS.table), get(TOKENS.outputs), paths, log));
    this.#provide(TOKENS.archiveWorkers, () => new ArchiveWorkers(workerUrl("archive")));
    this.#provide(TOKENS.archives, (get) =>
      new ContainerArchives({
        paths,
        log,
        table: get(TOKENS.table),
        snapshots: get(TOKENS.snapshots),
        workers: get(TOKENS.archiveWorkers),
        events: get(TOKENS.containerEvents),
      }));
    this.#provide(TOKENS.execAdoption, (get) =>
      new ExecAdoption({
        paths,
        table: get(TOKENS.table),
        execs: get(TOKENS.execs),
        open: openProcess,
        exit: (process) => leftExit(process, get(TOKENS.exits), get(TOKENS.epoll)),
      }));
    this.#provide(
      TOKENS.execLauncher,
      (get) =>
        new ExecLauncher({
          paths,
          facts,
          snapshots: get(TOKENS.snapshots),
          runtimes: get(TOKENS.runtimes),
          exits: get(TOKENS.exits),
          newIo: (request) => newProcessIo(request, get(TOKENS.outputs), ioCalls(get)),
        }),
    );
    this.#provide(TOKENS.execs, (get) =>
      new ExecService({
        log,
        table: get(TOKENS.table),
        launcher: get(TOKENS.execLauncher),
        events: get(TOKENS.containerEvents),
      }));
  }

  #provideRuns({ paths, log, notes }: EngineSettings): void {
    this.#provide(TOKENS.waiters, () => new Waiters());
    this.#provide(
      TOKENS.newContainerIo,
      (get) => (container) => newProcessIo(containerIo(container, paths), get(TOKENS.outputs), ioCalls(get)),
    );
    this.#provide(TOKENS.runs, (get) =>
      new ContainerRuns({
        paths,
        log,
        locks: get(TOKENS.containerLocks),
        table: get(TOKENS.table),
        snapshots: get(TOKENS.snapshots),
        launcher: get(TOKENS.launcher),
        exits: get(TOKENS.exits),
        execs: get(TOKENS.execLauncher),
        hooks: get(TOKENS.hooks),
        events: get(TOKENS.containerEvents),
        signaller: get(TOKENS.signaller),
        oom: get(TOKENS.oom),
        waiters: get(TOKENS.waiters),
        health: get(TOKENS.health),
        restarts: get(TOKENS.restarts),
        images: get(TOKENS.remover),
        newIo: get(TOKENS.newContainerIo),
      }));
    this.#provide(TOKENS.restarts, (get) =>
      new Restarts({
        log,
        clock: SYSTEM_CLOCK,
        table: get(TOKENS.table),
        start: (id) => get(TOKENS.runs).startAgain(id),
      }));
    this.#provide(TOKENS.adoption, (get) =>
      new Adoption({
        paths,
        log,
        runs: get(TOKENS.runs),
        table: get(TOKENS.table),
        snapshots: get(TOKENS.snapshots),
        runtimes: get(TOKENS.runtimes),
        freezer: get(TOKENS.freezer),
        oom: get(TOKENS.oom),
        health: get(TOKENS.health),
        newIo: get(TOKENS.newContainerIo),
        keepers: get(TOKENS.keepers),
        knownExits: notes?.exits ?? {},
        open: openProcess,
        isInCgroup,
        exit: (process) => leftExit(process, get(TOKENS.exits), get(TOKENS.epoll)),
      }));
    this.#provide(TOKENS.containers, (get) =>
      new ContainerService({
        locks: get(TOKENS.containerLocks),
        table: get(TOKENS.table),
        runs: get(TOKENS.runs),
        events: get(TOKENS.containerEvents),
        signaller: get(TOKENS.signaller),
        restarts: get(TOKENS.restarts),
        waiters: get(TOKENS.waiters),
      }));
  }

  #provideControls({ paths, facts, log }: EngineSettings): void {
    this.#provide(TOKENS.freezer, (get) =>
      new Freezer({
        table: get(TOKENS.table),
        locks: get(TOKENS.containerLocks),
        runtimes: get(TOKENS.runtimes),
        cgroups: get(TOKENS.cgroups),
        events: get(TOKENS.containerEvents),
        health: get(TOKENS.health),
      }));
    this.#provide(TOKENS.health, (get) =>
      new HealthChecks({
        log,
        clock: SYSTEM_CLOCK,
        events: get(TOKENS.containerEvents),
        store: new FileHealthStore(paths, log),
        probeOf: ({ id }, command) => execProbe({ execs: get(TOKENS.execs), processes }, id, command),
        actions: {
          // What follows is left to the restart policy.
          kill: (id) => get(TOKENS.containers).kill(id, "KILL", { byHand: false }),
          restart: (id) => get(TOKENS.containers).restart(id),
          stop: (id) => get(TOKENS.containers).stop(id),
        },
      }));
    this.#provide(
      TOKENS.signaller,
      (get) => new Signaller({ processes, log, freezer: get(TOKENS.freezer), events: get(TOKENS.containerEvents) }),
    );
    this.#provide(TOKENS.renamer, (get) => new ContainerRenamer(get(TOKENS.table), get(TOKENS.containerEvents)));
    this.#provide(TOKENS.updater, (get) =>
      new ContainerUpdater({
        facts,
        table: get(TOKENS.table),
        locks: get(TOKENS.containerLocks),
        runtimes: get(TOKENS.runtimes),
        events: get(TOKENS.containerEvents),
      }));
    this.#provide(TOKENS.processList, (get) =>
      new ProcessList({
        table: get(TOKENS.table),
        cgroups: get(TOKENS.cgroups),
        events: get(TOKENS.containerEvents),
        run: hostCommand(processes, get(TOKENS.exits), paths.runDir),
      }));
    this.#provide(
      TOKENS.oom,
      (get) => new OomWatch({ cgroups: get(TOKENS.cgroups), events: get(TOKENS.containerEvents) }),
    );
  }

  #provideStats({ paths, facts, log }: EngineSettings): void {
    this.#provide(
      TOKENS.cgroups,
      (get) =>
        containerCgroups(
          facts,
          cgroupsOf(get, paths),
          new KernelNotices({ files, poll, epoll: get(TOKENS.epoll), log }),
        ),
    );
    this.#provide(TOKENS.stats, (get) =>
      new StatsService({
        table: get(TOKENS.table),
        cgroups: get(TOKENS.cgroups),
        memoryBytes: Deno.systemMemoryInfo().total,
        readProc: CGROUP_FILES.read,
      }));
  }

  #provideUsage({ log }: EngineSettings): void {
    this.#provide(TOKENS.sizes, (get) => new ContainerSizes(get(TOKENS.snapshots), get(TOKENS.catalog)));
    this.#provide(TOKENS.diskUsage, (get) =>
      new DiskUsage({
        table: get(TOKENS.table),
        catalog: get(TOKENS.catalog),
        usage: get(TOKENS.imageUsage),
        sizes: get(TOKENS.sizes),
      }));
    this.#provide(TOKENS.prune, (get) => {
      const [table, records, leases] = [get(TOKENS.table), get(TOKENS.imageRecords), get(TOKENS.leases)];
      const shared = { table, clock: SYSTEM_CLOCK, layerSizes: get(TOKENS.layerSizes) };
      const layerUsers = { records, table, leases };
      const [containers, sizes] = [get(TOKENS.containers), get(TOKENS.sizes)];
      const [catalog, remover] = [get(TOKENS.catalog), get(TOKENS.remover)];
      return new PruneService({
        pruners: [
          new ContainerPruner({ ...shared, containers, sizes, layerUsers }),
          new ImagePruner({ ...shared, records, catalog, remover, leases }),
        ],
        layerUsers,
        hooks: get(TOKENS.hooks),
        events: get(TOKENS.events),
        log,
      });
    });
  }

  #provideApi({ paths, storage, facts, log, config, proxies, onRequest }: EngineSettings): void {
    this.#provide(TOKENS.system, (get) =>
      new SystemService({
        build: BUILD_INFO,
        paths,
        facts,
        registries: config.registries,
        proxies,
        runtimes: get(TOKENS.runtimes),
        table: get(TOKENS.table),
        images: get(TOKENS.catalog),
        storage,
        events: get(TOKENS.events),
      }));
    this.#provide(TOKENS.services, (get): Services => ({
      paths,
      creator: get(TOKENS.creator),
      containers: get(TOKENS.containers),
      table: get(TOKENS.table),
      archives: get(TOKENS.archives),
      sizes: get(TOKENS.sizes),
      changes: new ContainerChanges(get(TOKENS.table), get(TOKENS.snapshots)),
      logs: get(TOKENS.logs),
      execs: get(TOKENS.execs),
      images: get(TOKENS.catalog),
      imageRemover: get(TOKENS.remover),
      imageTagger: get(TOKENS.tagger),
      imageUsage: get(TOKENS.imageUsage),
      layerSizes: get(TOKENS.layerSizes),
      puller: get(TOKENS.puller),
      registry: get(TOKENS.registry),
      system: get(TOKENS.system),
      diskUsage: get(TOKENS.diskUsage),
      prune: get(TOKENS.prune),
      events: get(TOKENS.events),
      containerEvents: get(TOKENS.containerEvents),
      stats: get(TOKENS.stats),
      freezer: get(TOKENS.freezer),
      health: get(TOKENS.health),
      renamer: get(TOKENS.renamer),
      updater: get(TOKENS.updater),
      processList: get(TOKENS.processList),
      driver: get(TOKENS.layers).driver,
    }));
    this.#provide(TOKENS.server, (get) =>
      new ApiServer({
        routes: allRoutes(get(TOKENS.services)),
        serverVersion: BUILD_INFO.version,
        log: log.scope("api"),
        watchHangUp: epollHangUps(get(TOKENS.epoll)),
        ...(onRequest === undefined ? {} : { onRequest }),
      }));
  }
}
