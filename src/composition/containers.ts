import { ArchiveWorkers } from "../engine/copy/workers.ts";
import { ContainerArchives } from "../engine/copy/container_copy.ts";
import { ContainerCreator } from "../engine/containers/container_creator.ts";
import { ContainerLogs } from "../engine/containers/container_logs.ts";
import { ContainerTable } from "../engine/containers/container_table.ts";
import { NamespaceJoiner } from "../engine/containers/shared_namespaces.ts";
import { KEEPER_PROCESSES, Keepers } from "../engine/containers/fd_holders.ts";
import { Launcher } from "../engine/containers/start.ts";
import { LeftCgroups } from "../engine/containers/orphaned_cgroups.ts";
import { ExecAdoption } from "../engine/exec/exec_restore.ts";
import { ExecLauncher } from "../engine/exec/exec_launcher.ts";
import { ExecService } from "../engine/exec/exec_service.ts";
import { KeyedLock } from "../async/keyed_lock.ts";
import { leftEnd, leftExit, openProcess } from "../engine/lifecycle/orphaned_process.ts";
import { newProcessIo } from "../engine/containers/process_stdio.ts";
import { HookFolders } from "../plugins/mod.ts";
import type { KeeperRef } from "../runtime/fd_holder.ts";
import { files, mounts, processes } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import { cgroupsOf, ioCalls } from "./derived.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Records, creation and start of containers, their files and execs. */
export function provideContainers(provide: Provide, { paths, facts, log, config }: EngineSettings): void {
  provide(TOKENS.table, (get) => new ContainerTable(get(TOKENS.containerRecords), log));
  provide(
    TOKENS.launcher,
    (get) =>
      new Launcher({
        paths,
        facts,
        log,
        processes,
        mounts,
        namespaces: get(TOKENS.namespaces),
        volumes: get(TOKENS.volumeMounts),
        filling: get(TOKENS.volumeFilling),
        networks: get(TOKENS.networks),
        snapshots: get(TOKENS.snapshots),
        runtimes: get(TOKENS.runtimes),
        leftCgroups: new LeftCgroups(cgroupsOf(get, paths), processes),
        keepers: get(TOKENS.keepers),
        hooks: get(TOKENS.hooks),
        hookFolders: new HookFolders(config.hookFolders),
      }),
  );
  provide(TOKENS.keepers, (get) => {
    const ended = (keeper: KeeperRef) => leftEnd(keeper, get(TOKENS.exits), get(TOKENS.epoll));
    return new Keepers({ paths, log, keepers: { ...KEEPER_PROCESSES, ended } });
  });
  provide(TOKENS.containerLocks, () => new KeyedLock());
  provide(TOKENS.creator, (get) =>
    new ContainerCreator({
      paths,
      facts,
      table: get(TOKENS.table),
      images: get(TOKENS.catalog),
      imageUses: get(TOKENS.imageUses),
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
  provide(TOKENS.archiveWorkers, () => new ArchiveWorkers(workerUrl("archive")));
  provide(TOKENS.archives, (get) =>
    new ContainerArchives({
      paths,
      log,
      table: get(TOKENS.table),
      snapshots: get(TOKENS.snapshots),
      volumes: get(TOKENS.volumeMounts),
      filling: get(TOKENS.volumeFilling),
      workers: get(TOKENS.archiveWorkers),
      events: get(TOKENS.containerEvents),
    }));
  provide(TOKENS.execAdoption, (get) =>
    new ExecAdoption({
      paths,
      table: get(TOKENS.table),
      execs: get(TOKENS.execs),
      keepers: get(TOKENS.keepers),
      open: openProcess,
      exit: (process) => leftExit(process, get(TOKENS.exits), get(TOKENS.epoll)),
    }));
  provide(
    TOKENS.execLauncher,
    (get) =>
      new ExecLauncher({
        paths,
        facts,
        snapshots: get(TOKENS.snapshots),
        runtimes: get(TOKENS.runtimes),
        exits: get(TOKENS.exits),
        newIo: (request) => newProcessIo(request, get(TOKENS.outputs), ioCalls(get)),
        keepers: get(TOKENS.keepers),
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
