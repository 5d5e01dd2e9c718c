import { newProcessStdio } from "../engine/containers/process_stdio.ts";
import { ExecStarter } from "../engine/exec/exec_launcher.ts";
import { ExecRestore } from "../engine/exec/exec_restore.ts";
import { ExecService } from "../engine/exec/exec_service.ts";
import type { EngineSettings, ExecParts } from "../engine/mod.ts";
import { openProcess, orphanedExit } from "../runtime/orphaned_process.ts";
import { processes } from "../sys/mod.ts";
import { ioCalls } from "./derived.ts";
import type { Factories } from "./factories.ts";

/** Creates what runs further processes in containers. */
export function execsFactories({ paths, info, log }: EngineSettings): Factories<ExecParts> {
  return {
    starter: (engine) =>
      new ExecStarter({
        paths,
        info,
        snapshots: engine.store.snapshots,
        runtimes: engine.runtime.runtimes,
        exits: engine.runtime.reaper,
        newIo: (request) => newProcessStdio(request, engine.runtime.stdioRouter, ioCalls(engine)),
        fdHolders: engine.tasks.fdHolders,
        processes,
      }),
    service: (engine) =>
      new ExecService({
        log,
        table: engine.containers.table,
        launcher: engine.execs.starter,
        events: engine.events.containers,
        hooks: engine.plugins.hooks,
      }),
    restore: (engine) =>
      new ExecRestore({
        paths,
        table: engine.containers.table,
        execs: engine.execs.service,
        fdHolders: engine.tasks.fdHolders,
        open: openProcess,
        isReportedTo: ({ id, containerId }) =>
          engine.events.bus.reported("container", "exec_die", containerId).some(({ attributes }) =>
            attributes.execID === id
          ),
        exit: (process) => orphanedExit(process, engine.runtime.reaper, engine.runtime.epoll),
      }),
  };
}
