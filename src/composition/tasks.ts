import { SYSTEM_CLOCK } from "../async/clock.ts";
import { FD_HOLDER_PROCESSES, FdHolders } from "../engine/containers/fd_holders.ts";
import { Freezer } from "../engine/containers/freezer.ts";
import { SignalSender } from "../engine/containers/kill.ts";
import { OomWatch } from "../engine/containers/oom_watch.ts";
import { OrphanedCgroups } from "../engine/containers/orphaned_cgroups.ts";
import { PendingStdio } from "../engine/containers/pending_stdio.ts";
import { containerStdio, newProcessStdio } from "../engine/containers/process_stdio.ts";
import { RestartManager } from "../engine/containers/restart_manager.ts";
import { Restore } from "../engine/containers/restore.ts";
import { ContainerStarter } from "../engine/containers/start.ts";
import { ContainerSupervisor } from "../engine/containers/supervisor.ts";
import { ContainerTop } from "../engine/containers/top.ts";
import { Waiters } from "../engine/containers/waiters.ts";
import { execProbe } from "../engine/health/exec_probe.ts";
import { HealthChecks } from "../engine/health/health_checks.ts";
import { FileHealthStore } from "../engine/health/health_store.ts";
import type { EngineSettings, TaskParts } from "../engine/mod.ts";
import { CGROUP_FILES } from "../engine/stats/cgroup_files.ts";
import { containerCgroups, KernelNotices, StatsService } from "../engine/stats/mod.ts";
import { HookDirs } from "../plugins/mod.ts";
import type { FdHolderRef } from "../runtime/fd_holder.ts";
import { isInCgroup, openProcess, orphanedEnd, orphanedExit } from "../runtime/orphaned_process.ts";
import { files, mounts, poll, processes } from "../sys/mod.ts";
import { cgroupsOf, ioCalls } from "./derived.ts";
import type { Factories } from "./factories.ts";

/** Creates what starts, supervises and controls the processes of containers. */
export function tasksFactories({ paths, info, log, config, notes }: EngineSettings): Factories<TaskParts> {
  return {
    starter: (engine) =>
      new ContainerStarter({
        paths,
        info,
        log,
        processes,
        mounts,
        namespaces: engine.containers.namespaces,
        volumes: engine.volumes.mounts,
        filling: engine.volumes.copyUp,
        networks: engine.networks.containers,
        snapshots: engine.store.snapshots,
        runtimes: engine.runtime.runtimes,
        orphanedCgroups: new OrphanedCgroups(cgroupsOf(engine, paths), processes),
        fdHolders: engine.tasks.fdHolders,
        hooks: engine.plugins.hooks,
        hookDirs: new HookDirs(config.hookDirs),
      }),
    supervisor: (engine) =>
      new ContainerSupervisor({
        log,
        locks: engine.containers.locks,
        table: engine.containers.table,
        launcher: engine.tasks.starter,
        exits: engine.runtime.reaper,
        hooks: engine.plugins.hooks,
        events: engine.events.containers,
        orphanedIntents: engine.events.orphanedIntents,
        signals: engine.tasks.signals,
        oom: engine.tasks.oomWatch,
        waiters: engine.tasks.waiters,
        health: engine.tasks.health,
        restarts: engine.tasks.restartManager,
        networks: engine.networks.containers,
        removals: engine.containers.remover,
        streams: engine.tasks.pendingStdio,
      }),
    waiters: () => new Waiters(),
    newStdio: (engine) => (container) =>
      newProcessStdio(containerStdio(container, paths), engine.runtime.stdioRouter, ioCalls(engine)),
    pendingStdio: (engine) => new PendingStdio(engine.tasks.newStdio),
    fdHolders: (engine) => {
      const ended = (fdHolder: FdHolderRef) => orphanedEnd(fdHolder, engine.runtime.reaper, engine.runtime.epoll);
      return new FdHolders({ paths, log, fdHolders: { ...FD_HOLDER_PROCESSES, ended } });
    },
    restartManager: (engine) =>
      new RestartManager({
        log,
        clock: SYSTEM_CLOCK,
        table: engine.containers.table,
        start: (id) => engine.tasks.supervisor.startAgain(id),
      }),
    restore: (engine) =>
      new Restore({
        paths,
        log,
        runs: engine.tasks.supervisor,
        removals: engine.containers.remover,
        table: engine.containers.table,
        snapshots: engine.store.snapshots,
        runtimes: engine.runtime.runtimes,
        orphanedIntents: engine.events.orphanedIntents,
        freezer: engine.tasks.freezer,
        oom: engine.tasks.oomWatch,
        health: engine.tasks.health,
        newIo: engine.tasks.newStdio,
        fdHolders: engine.tasks.fdHolders,
        knownExits: notes?.exits ?? {},
        open: openProcess,
        isInCgroup,
        exit: (process) => orphanedExit(process, engine.runtime.reaper, engine.runtime.epoll),
      }),
    signals: (engine) =>
      new SignalSender({ processes, log, freezer: engine.tasks.freezer, events: engine.events.containers }),
    freezer: (engine) =>
      new Freezer({
        table: engine.containers.table,
        locks: engine.containers.locks,
        runtimes: engine.runtime.runtimes,
        cgroups: engine.tasks.cgroups,
        events: engine.events.containers,
        health: engine.tasks.health,
      }),
    oomWatch: (engine) =>
      new OomWatch({
        cgroups: engine.tasks.cgroups,
        table: engine.containers.table,
        events: engine.events.containers,
        hooks: engine.plugins.hooks,
        log,
      }),
    health: (engine) =>
      new HealthChecks({
        log,
        clock: SYSTEM_CLOCK,
        events: engine.events.containers,
        hooks: engine.plugins.hooks,
        store: new FileHealthStore(paths, log),
        probeOf: ({ id }, command) => execProbe({ execs: engine.execs.service, processes }, id, command),
        actions: {
          // The restart policy decides about the restart.
          kill: (id) => engine.containers.service.kill(id, "KILL", { byHand: false }),
          restart: (id) => engine.containers.service.restart(id),
          stop: (id) => engine.containers.service.stop(id),
        },
      }),
    cgroups: (engine) =>
      containerCgroups(
        info,
        cgroupsOf(engine, paths),
        new KernelNotices({ files, poll, epoll: engine.runtime.epoll, log }),
      ),
    stats: (engine) =>
      new StatsService({
        table: engine.containers.table,
        cgroups: engine.tasks.cgroups,
        memoryBytes: Deno.systemMemoryInfo().total,
        readProc: CGROUP_FILES.read,
      }),
    top: (engine) =>
      new ContainerTop({
        table: engine.containers.table,
        cgroups: engine.tasks.cgroups,
        events: engine.events.containers,
        run: engine.runtime.hostExec,
      }),
  };
}
