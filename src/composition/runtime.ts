import { runtimeRoot } from "../engine/paths.ts";
import { type RuntimeProgram, Runtimes } from "../engine/containers/runtimes.ts";
import { Reaper } from "../runtime/reaper.ts";
import { AttachCounts } from "../runtime/logs/attach_counts.ts";
import { StdioRouter } from "../runtime/logs/stdio_router.ts";
import { CGROUP_MIGRATION_FILES, CgroupMigration } from "../runtime/cgroup_migration.ts";
import { Runc } from "../runtime/runc.ts";
import { Epoll, files, processes, tree } from "../sys/mod.ts";
import { workerUrl } from "../worker_entry.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides the OCI runtimes, the reaper and the routing of output. */
export function provideRuntime(provide: Provide, { paths, log, runtimes, config }: EngineSettings): void {
  provide(
    TOKENS.epoll,
    () =>
      new Epoll({
        onHandlerError: (thrown, fd) => log.error("a descriptor's handler failed", { fd, error: String(thrown) }),
      }),
  );
  provide(TOKENS.exits, () => new Reaper(processes));
  provide(TOKENS.attachedMarks, () => new AttachCounts(`${paths.runDir}/attached`, log));
  provide(TOKENS.outputs, (get) => new StdioRouter(workerUrl("logs"), log, get(TOKENS.attachedMarks)));
  provide(TOKENS.runtimes, (get) => {
    const moves = new CgroupMigration(CGROUP_MIGRATION_FILES, Deno.pid, log.scope("runtime"));
    const make = (name: string, { path, args }: RuntimeProgram) => {
      // Starting a container by its exec FIFO works with runc only.
      const isRunc = /\/runc$/.test(path) && args.length === 0;
      const fifoCalls = isRunc ? { fifoCalls: { files, tree, epoll: get(TOKENS.epoll) } } : {};
      const stateRoot = runtimeRoot(paths, name);
      const options = { path, args, isRunc, stateRoot, logDir: paths.runDir, moves, ...fifoCalls };
      return new Runc(options, processes, get(TOKENS.exits));
    };
    return new Runtimes(runtimes, config.defaultRuntime, make);
  });
}
