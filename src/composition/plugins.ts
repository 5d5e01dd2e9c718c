import { BUILD_INFO } from "../build_info.ts";
import type { Engine, EngineSettings, PluginParts } from "../engine/mod.ts";
import { isLive } from "../engine/model/container.ts";
import { startedContext } from "../engine/model/hook_payloads.ts";
import { DEFAULT_DATA_ROOT } from "../engine/paths.ts";
import { MemoryCgroups } from "../engine/plugins/plugin_cgroups.ts";
import { PluginService } from "../engine/plugins/plugin_service.ts";
import { PluginStarter } from "../engine/plugins/plugin_starter.ts";
import type { Permissions, PluginManifest } from "../plugins/host/manifest.ts";
import { HookBus, lifecycleLog, Metrics, type Plugin, webhook } from "../plugins/mod.ts";
import { InstalledPlugins } from "../store/installed_plugins.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import { files, pipes, processes } from "../sys/mod.ts";
import type { Factories } from "./factories.ts";

/** The plugin directory of the host's main engine; private engines have installed plugins only. */
const PLUGIN_DIR = "/etc/tsd/plugins";

/** Creates the hook bus with the built-in plugins, and the plugins in processes of their own. */
export function pluginsFactories({ paths, log, environment, config }: EngineSettings): Factories<PluginParts> {
  const { plugins } = config;
  return {
    hooks: (engine) => {
      const metrics = engine.plugins.metrics;
      const builtIn: Plugin[] = [
        lifecycleLog(log),
        ...plugins.webhook === undefined ? [] : [webhook(plugins.webhook, log)],
        ...metrics === undefined ? [] : [metrics.plugin()],
      ];
      return new HookBus(builtIn, log, {
        rows: engine.store.pluginRecords,
        present: () => present(engine),
      });
    },
    service: (engine) => {
      const home = `${paths.dataRoot}/plugins`;
      const calls = { processes, pipes, files, epoll: engine.runtime.epoll, exits: engine.runtime.reaper };
      return new PluginService({
        home,
        configured: config.plugins.others,
        log,
        records: new InstalledPlugins<PluginManifest, Permissions>(engine.store.database),
        bus: engine.plugins.hooks,
        storage: new PluginRecords(engine.store.database),
        starter: new PluginStarter(calls, new MemoryCgroups(paths, log), { cacheDir: `${home}/cache`, environment }),
        dirs: paths.dataRoot === DEFAULT_DATA_ROOT ? [PLUGIN_DIR] : [],
      });
    },
    metrics: (engine) =>
      plugins.metrics && new Metrics(plugins.metrics, {
        version: BUILD_INFO.version,
        containers: () => byState(engine),
        plugins: () => engine.plugins.hooks.list(),
        residentBytes: () => Deno.memoryUsage().rss,
      }, log),
  };
}

/**
 * Returns the running containers, to be replayed to plugins that are added later. A container whose start is in
 * progress has no current task yet: its start will be delivered as usual.
 */
const present = (engine: Engine) =>
  engine.containers.table.list().flatMap((container) => {
    const { state } = container;
    const isReported = engine.tasks.supervisor.current(container) !== undefined;
    return isLive(state) && isReported ? [startedContext(container, state.pid, true)] : [];
  });

function byState(engine: Engine): Readonly<Record<string, number>> {
  const counts = { created: 0, running: 0, paused: 0, restarting: 0, exited: 0 };
  for (const { state } of engine.containers.table.list()) counts[state.status]++;
  return counts;
}
