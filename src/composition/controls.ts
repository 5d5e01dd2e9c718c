import { SYSTEM_CLOCK } from "../async/clock.ts";
import { Freezer } from "../engine/containers/freezer.ts";
import { OomWatch } from "../engine/containers/oom_watch.ts";
import { ContainerTop } from "../engine/containers/top.ts";
import { ContainerRenamer } from "../engine/containers/rename.ts";
import { ContainerUpdater } from "../engine/containers/update.ts";
import { SignalSender } from "../engine/containers/kill.ts";
import { execProbe } from "../engine/health/exec_probe.ts";
import { HealthChecks } from "../engine/health/health_checks.ts";
import { FileHealthStore } from "../engine/health/health_store.ts";
import { processes } from "../sys/mod.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides operations on containers other than start and stop. */
export function provideControls(provide: Provide, { paths, info, log }: EngineSettings): void {
  provide(TOKENS.freezer, (get) =>
    new Freezer({
      table: get(TOKENS.table),
      locks: get(TOKENS.containerLocks),
      runtimes: get(TOKENS.runtimes),
      cgroups: get(TOKENS.cgroups),
      events: get(TOKENS.containerEvents),
      health: get(TOKENS.health),
    }));
  provide(TOKENS.health, (get) =>
    new HealthChecks({
      log,
      clock: SYSTEM_CLOCK,
      events: get(TOKENS.containerEvents),
      hooks: get(TOKENS.hooks),
      store: new FileHealthStore(paths, log),
      probeOf: ({ id }, command) => execProbe({ execs: get(TOKENS.execs), processes }, id, command),
      actions: {
        // The restart policy decides about the restart.
        kill: (id) => get(TOKENS.containers).kill(id, "KILL", { byHand: false }),
        restart: (id) => get(TOKENS.containers).restart(id),
        stop: (id) => get(TOKENS.containers).stop(id),
      },
    }));
  provide(
    TOKENS.signals,
    (get) => new SignalSender({ processes, log, freezer: get(TOKENS.freezer), events: get(TOKENS.containerEvents) }),
  );
  provide(TOKENS.renamer, (get) => new ContainerRenamer(get(TOKENS.table), get(TOKENS.containerEvents)));
  provide(TOKENS.updater, (get) =>
    new ContainerUpdater({
      info,
      table: get(TOKENS.table),
      locks: get(TOKENS.containerLocks),
      runtimes: get(TOKENS.runtimes),
      networks: get(TOKENS.networks),
      events: get(TOKENS.containerEvents),
    }));
  provide(TOKENS.processList, (get) =>
    new ContainerTop({
      table: get(TOKENS.table),
      cgroups: get(TOKENS.cgroups),
      events: get(TOKENS.containerEvents),
      run: get(TOKENS.runHost),
    }));
  provide(
    TOKENS.oom,
    (get) =>
      new OomWatch({
        cgroups: get(TOKENS.cgroups),
        table: get(TOKENS.table),
        events: get(TOKENS.containerEvents),
        hooks: get(TOKENS.hooks),
        log,
      }),
  );
}
