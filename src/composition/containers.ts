import { CopyWorkers } from "../engine/copy/workers.ts";
import { ContainerCopy } from "../engine/containers/copy.ts";
import { ContainerCreator } from "../engine/containers/container_creator.ts";
import { ContainerLogs } from "../engine/containers/container_logs.ts";
import { ContainerTable } from "../engine/model/container_table.ts";
import { NamespaceJoiner } from "../engine/containers/shared_namespaces.ts";
import { FD_HOLDER_PROCESSES, FdHolders } from "../engine/containers/fd_holders.ts";
import { ContainerStarter } from "../engine/containers/start.ts";
import { OrphanedCgroups } from "../engine/containers/orphaned_cgroups.ts";
import { ExecRestore } from "../engine/exec/exec_restore.ts";
import { ExecStarter } from "../engine/exec/exec_launcher.ts";
import { ExecService } from "../engine/exec/exec_service.ts";
import { KeyedLock } from "../async/keyed_lock.ts";
import { openProcess, orphanedEnd, orphanedExit } from "../runtime/orphaned_process.ts";
import { newProcessStdio } from "../engine/containers/process_stdio.ts";
import { HookDirs } from "../plugins/mod.ts";
import type { FdHolderRef } from "../runtime/fd_holder.ts";
import { files, mounts, processes } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import { cgroupsOf, ioCalls } from "./derived.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides the records, creation, start, files and execs of containers. */
export function provideContainers(provide: Provide, { paths, info, log, config }: EngineSettings): void {
  provide(TOKENS.table, (get) => new ContainerTable(get(TOKENS.containerRecords), log));
  provide(
    TOKENS.launcher,
    (get) =>
      new ContainerStarter({
        paths,
        info,
        log,
        processes,
        mounts,
        namespaces: get(TOKENS.namespaces),
        volumes: get(TOKENS.volumeMounts),
        filling: get(TOKENS.volumeFilling),
        networks: get(TOKENS.networks),
        snapshots: get(TOKENS.snapshots),
        runtimes: get(TOKENS.runtimes),
        orphanedCgroups: new OrphanedCgroups(cgroupsOf(get, paths), processes),
        fdHolders: get(TOKENS.fdHolders),
        hooks: get(TOKENS.hooks),
        hookDirs: new HookDirs(config.hookDirs),
      }),
  );
  provide(TOKENS.fdHolders, (get) => {
    const ended = (fdHolder: FdHolderRef) => orphanedEnd(fdHolder, get(TOKENS.exits), get(TOKENS.epoll));
    return new FdHolders({ paths, log, fdHolders: { ...FD_HOLDER_PROCESSES, ended } });
  });
  provide(TOKENS.containerLocks, () => new KeyedLock());
  provide(TOKENS.creator, (get) =>
    new ContainerCreator({
      paths,
      info,
      table: get(TOKENS.table),
      images: get(TOKENS.catalog),
      imageLeases: get(TOKENS.imageLeases),
      snapshots: get(TOKENS.snapshots),
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.containerEvents),
      locks: get(TOKENS.containerLocks),
      volumes: get(TOKENS.containerVolumes),
      filling: get(TOKENS.volumeFilling),
      runtimes: get(TOKENS.runtimes),
      namespaces: get(TOKENS.namespaces),
    }));
  provide(TOKENS.namespaces, (get) => new NamespaceJoiner({ paths, files, table: get(TOKENS.table) }));
  provide(TOKENS.logs, (get) => new ContainerLogs(get(TOKENS.table), get(TOKENS.outputs), paths, log));
  provide(TOKENS.archiveWorkers, () => new CopyWorkers(workerUrl("archive")));
  provide(TOKENS.archives, (get) =>
    new ContainerCopy({
      paths,
      log,
      table: get(TOKENS.table),
      snapshots: get(TOKENS.snapshots),
      volumes: get(TOKENS.volumeMounts),
      filling: get(TOKENS.volumeFilling),
      workers: get(TOKENS.archiveWorkers),
      events: get(TOKENS.containerEvents),
    }));
  provide(TOKENS.execRestore, (get) =>
    new ExecRestore({
      paths,
      table: get(TOKENS.table),
      execs: get(TOKENS.execs),
      fdHolders: get(TOKENS.fdHolders),
      open: openProcess,
      isReportedTo: ({ id, containerId }) =>
        get(TOKENS.events).reported("container", "exec_die", containerId).some(({ attributes }) =>
          attributes.execID === id
        ),
      exit: (process) => orphanedExit(process, get(TOKENS.exits), get(TOKENS.epoll)),
    }));
  provide(
    TOKENS.execLauncher,
    (get) =>
      new ExecStarter({
        paths,
        info,
        snapshots: get(TOKENS.snapshots),
        runtimes: get(TOKENS.runtimes),
        exits: get(TOKENS.exits),
        newIo: (request) => newProcessStdio(request, get(TOKENS.outputs), ioCalls(get)),
        fdHolders: get(TOKENS.fdHolders),
        processes,
      }),
  );
  provide(TOKENS.execs, (get) =>
    new ExecService({
      log,
      table: get(TOKENS.table),
      launcher: get(TOKENS.execLauncher),
      events: get(TOKENS.containerEvents),
      hooks: get(TOKENS.hooks),
    }));
}
