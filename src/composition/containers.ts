import { KeyedLock } from "../async/keyed_lock.ts";
import { ContainerCreator } from "../engine/containers/container_creator.ts";
import { ContainerLogs } from "../engine/containers/container_logs.ts";
import { ContainerService } from "../engine/containers/container_service.ts";
import { ContainerSizes } from "../engine/containers/container_sizes.ts";
import { ContainerCopy } from "../engine/containers/copy.ts";
import { ContainerDiff } from "../engine/containers/diff.ts";
import { ContainerRemover } from "../engine/containers/remove.ts";
import { ContainerRenamer } from "../engine/containers/rename.ts";
import { NamespaceJoiner } from "../engine/containers/shared_namespaces.ts";
import { ContainerUpdater } from "../engine/containers/update.ts";
import { CopyWorkers } from "../engine/copy/workers.ts";
import type { ContainerParts, EngineSettings } from "../engine/mod.ts";
import { ContainerTable } from "../engine/model/container_table.ts";
import { files } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import type { Factories } from "./factories.ts";

/** Creates the records of containers, and the operations on them and their files. */
export function containersFactories({ paths, info, log }: EngineSettings): Factories<ContainerParts> {
  return {
    table: (engine) => new ContainerTable(engine.store.containerRecords, log),
    locks: () => new KeyedLock(),
    creator: (engine) =>
      new ContainerCreator({
        paths,
        info,
        table: engine.containers.table,
        images: engine.images.catalog,
        imageLeases: engine.images.leases,
        snapshots: engine.store.snapshots,
        hooks: engine.plugins.hooks,
        events: engine.events.containers,
        locks: engine.containers.locks,
        volumes: engine.volumes.containers,
        filling: engine.volumes.copyUp,
        runtimes: engine.runtime.runtimes,
        namespaces: engine.containers.namespaces,
      }),
    service: (engine) =>
      new ContainerService({
        locks: engine.containers.locks,
        table: engine.containers.table,
        runs: engine.tasks.supervisor,
        removals: engine.containers.remover,
        events: engine.events.containers,
        orphanedIntents: engine.events.orphanedIntents,
        signals: engine.tasks.signals,
        restarts: engine.tasks.restartManager,
        waiters: engine.tasks.waiters,
      }),
    remover: (engine) =>
      new ContainerRemover({
        paths,
        log,
        table: engine.containers.table,
        snapshots: engine.store.snapshots,
        launcher: engine.tasks.starter,
        starts: engine.execs.starter,
        execs: engine.execs.service,
        hooks: engine.plugins.hooks,
        events: engine.events.containers,
        health: engine.tasks.health,
        waiters: engine.tasks.waiters,
        images: engine.images.remover,
        volumes: engine.volumes.containers,
        networks: engine.networks.containers,
        streams: engine.tasks.pendingStdio,
      }),
    renamer: (engine) => new ContainerRenamer(engine.containers.table, engine.events.containers),
    updater: (engine) =>
      new ContainerUpdater({
        info,
        table: engine.containers.table,
        locks: engine.containers.locks,
        runtimes: engine.runtime.runtimes,
        networks: engine.networks.containers,
        events: engine.events.containers,
      }),
    copy: (engine) =>
      new ContainerCopy({
        paths,
        log,
        table: engine.containers.table,
        snapshots: engine.store.snapshots,
        volumes: engine.volumes.mounts,
        filling: engine.volumes.copyUp,
        workers: engine.containers.copyWorkers,
        events: engine.events.containers,
      }),
    copyWorkers: () => new CopyWorkers(workerUrl("archive")),
    diff: (engine) => new ContainerDiff(engine.containers.table, engine.store.snapshots),
    sizes: (engine) => new ContainerSizes(engine.store.snapshots, engine.images.catalog),
    logs: (engine) => new ContainerLogs(engine.containers.table, engine.runtime.stdioRouter, paths, log),
    namespaces: (engine) => new NamespaceJoiner({ paths, files, table: engine.containers.table }),
  };
}
