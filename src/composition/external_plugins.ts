import { DEFAULT_DATA_ROOT } from "../engine/paths.ts";
import { MemoryCgroups } from "../engine/plugins/plugin_cgroups.ts";
import { PluginService } from "../engine/plugins/plugin_service.ts";
import { PluginStarter } from "../engine/plugins/plugin_starter.ts";
import type { Permissions, PluginManifest } from "../plugins/host/manifest.ts";
import { InstalledPlugins } from "../store/installed_plugins.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import { files, pipes, processes } from "../sys/mod.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** The plugin directory of the host's main engine; private engines have installed plugins only. */
const PLUGIN_DIR = "/etc/tsd/plugins";

/** Provides plugins that run in their own processes. */
export function provideExternalPlugins(provide: Provide, { paths, log, environment, config }: EngineSettings): void {
  provide(TOKENS.plugins, (get) => {
    const home = `${paths.dataRoot}/plugins`;
    const calls = { processes, pipes, files, epoll: get(TOKENS.epoll), exits: get(TOKENS.exits) };
    return new PluginService({
      home,
      configured: config.plugins.others,
      log,
      records: new InstalledPlugins<PluginManifest, Permissions>(get(TOKENS.database)),
      bus: get(TOKENS.hooks),
      storage: new PluginRecords(get(TOKENS.database)),
      starter: new PluginStarter(calls, new MemoryCgroups(paths, log), { cacheDir: `${home}/cache`, environment }),
      dirs: paths.dataRoot === DEFAULT_DATA_ROOT ? [PLUGIN_DIR] : [],
    });
  });
}
