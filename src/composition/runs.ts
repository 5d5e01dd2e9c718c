import { SYSTEM_CLOCK } from "../async/clock.ts";
import { Restore } from "../engine/containers/restore.ts";
import { ContainerRemover } from "../engine/containers/remove.ts";
import { ContainerSupervisor } from "../engine/containers/supervisor.ts";
import { ContainerService } from "../engine/containers/container_service.ts";
import { PendingStdio } from "../engine/containers/pending_stdio.ts";
import { RestartManager } from "../engine/containers/restart_manager.ts";
import { Waiters } from "../engine/containers/waiters.ts";
import { isInCgroup, openProcess, orphanedExit } from "../runtime/orphaned_process.ts";
import { containerStdio, newProcessStdio } from "../engine/containers/process_stdio.ts";
import { ioCalls } from "./derived.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides what supervises containers from start to removal. */
export function provideRuns(provide: Provide, { paths, log, notes }: EngineSettings): void {
  provide(TOKENS.waiters, () => new Waiters());
  provide(
    TOKENS.newContainerIo,
    (get) => (container) => newProcessStdio(containerStdio(container, paths), get(TOKENS.outputs), ioCalls(get)),
  );
  provide(TOKENS.runs, (get) =>
    new ContainerSupervisor({
      log,
      locks: get(TOKENS.containerLocks),
      table: get(TOKENS.table),
      launcher: get(TOKENS.launcher),
      exits: get(TOKENS.exits),
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.containerEvents),
      orphanedIntents: get(TOKENS.orphanedIntents),
      signals: get(TOKENS.signals),
      oom: get(TOKENS.oom),
      waiters: get(TOKENS.waiters),
      health: get(TOKENS.health),
      restarts: get(TOKENS.restarts),
      networks: get(TOKENS.networks),
      removals: get(TOKENS.removals),
      streams: get(TOKENS.nextStreams),
    }));
  provide(TOKENS.nextStreams, (get) => new PendingStdio(get(TOKENS.newContainerIo)));
  provide(TOKENS.removals, (get) =>
    new ContainerRemover({
      paths,
      log,
      table: get(TOKENS.table),
      snapshots: get(TOKENS.snapshots),
      launcher: get(TOKENS.launcher),
      starts: get(TOKENS.execLauncher),
      execs: get(TOKENS.execs),
      hooks: get(TOKENS.hooks),
      events: get(TOKENS.containerEvents),
      health: get(TOKENS.health),
      waiters: get(TOKENS.waiters),
      images: get(TOKENS.remover),
      volumes: get(TOKENS.containerVolumes),
      networks: get(TOKENS.networks),
      streams: get(TOKENS.nextStreams),
    }));
  provide(TOKENS.restarts, (get) =>
    new RestartManager({
      log,
      clock: SYSTEM_CLOCK,
      table: get(TOKENS.table),
      start: (id) => get(TOKENS.runs).startAgain(id),
    }));
  provide(TOKENS.restore, (get) =>
    new Restore({
      paths,
      log,
      runs: get(TOKENS.runs),
      removals: get(TOKENS.removals),
      table: get(TOKENS.table),
      snapshots: get(TOKENS.snapshots),
      runtimes: get(TOKENS.runtimes),
      orphanedIntents: get(TOKENS.orphanedIntents),
      freezer: get(TOKENS.freezer),
      oom: get(TOKENS.oom),
      health: get(TOKENS.health),
      newIo: get(TOKENS.newContainerIo),
      fdHolders: get(TOKENS.fdHolders),
      knownExits: notes?.exits ?? {},
      open: openProcess,
      isInCgroup,
      exit: (process) => orphanedExit(process, get(TOKENS.exits), get(TOKENS.epoll)),
    }));
  provide(TOKENS.containers, (get) =>
    new ContainerService({
      locks: get(TOKENS.containerLocks),
      table: get(TOKENS.table),
      runs: get(TOKENS.runs),
      removals: get(TOKENS.removals),
      events: get(TOKENS.containerEvents),
      orphanedIntents: get(TOKENS.orphanedIntents),
      signals: get(TOKENS.signals),
      restarts: get(TOKENS.restarts),
      waiters: get(TOKENS.waiters),
    }));
}
