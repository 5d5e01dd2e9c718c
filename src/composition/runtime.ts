import { type RuntimeProgram, Runtimes } from "../engine/containers/runtimes.ts";
import type { EngineSettings, RuntimeParts } from "../engine/mod.ts";
import { runtimeRoot } from "../engine/paths.ts";
import { CGROUP_MIGRATION_FILES, CgroupMigration } from "../runtime/cgroup_migration.ts";
import { hostExec } from "../runtime/host_exec.ts";
import { AttachCounts } from "../runtime/logs/attach_counts.ts";
import { StdioRouter } from "../runtime/logs/stdio_router.ts";
import { Reaper } from "../runtime/reaper.ts";
import { Runc } from "../runtime/runc.ts";
import { Epoll, files, processes, tree } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import type { Factories } from "./factories.ts";

/** Creates the OCI runtimes, the reaper and the routing of output. */
export function runtimeFactories({ paths, log, runtimes, config }: EngineSettings): Factories<RuntimeParts> {
  return {
    epoll: () =>
      new Epoll({
        onHandlerError: (thrown, fd) => log.error("a descriptor's handler failed", { fd, error: String(thrown) }),
      }),
    reaper: () => new Reaper(processes),
    runtimes: (engine) => {
      const moves = new CgroupMigration(CGROUP_MIGRATION_FILES, Deno.pid, log.scope("runtime"));
      const make = (name: string, { path, args }: RuntimeProgram) => {
        // Starting a container by its exec FIFO works with runc only.
        const isRunc = /\/runc$/.test(path) && args.length === 0;
        const fifoCalls = isRunc ? { fifoCalls: { files, tree, epoll: engine.runtime.epoll } } : {};
        const stateRoot = runtimeRoot(paths, name);
        const options = { path, args, isRunc, stateRoot, logDir: paths.runDir, moves, ...fifoCalls };
        return new Runc(options, processes, engine.runtime.reaper);
      };
      return new Runtimes(runtimes, config.defaultRuntime, make);
    },
    attachCounts: () => new AttachCounts(`${paths.runDir}/attached`, log),
    stdioRouter: (engine) => new StdioRouter(workerUrl("logs"), log, engine.runtime.attachCounts),
    hostExec: (engine) => hostExec(processes, engine.runtime.reaper, paths.runDir),
  };
}
