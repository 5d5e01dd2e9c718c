import { BUILD_INFO } from "../build_info.ts";
import { isLive } from "../engine/model/container.ts";
import { startedContext } from "../engine/model/hook_payloads.ts";
import { HookBus, lifecycleLog, Metrics, type Plugin, webhook } from "../plugins/mod.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import { type EngineSettings, type Get, type Provide, TOKENS } from "./tokens.ts";

/** Provides the hook bus with the built-in plugins. */
export function providePlugins(provide: Provide, { log, config }: EngineSettings): void {
  const { plugins } = config;
  provide(TOKENS.pluginRecords, (get) => new PluginRecords(get(TOKENS.database)));
  provide(TOKENS.metrics, (get) =>
    plugins.metrics && new Metrics(plugins.metrics, {
      version: BUILD_INFO.version,
      containers: () => byState(get),
      plugins: () => get(TOKENS.hooks).list(),
      residentBytes: () => Deno.memoryUsage().rss,
    }, log));
  provide(TOKENS.hooks, (get) => {
    const metrics = get(TOKENS.metrics);
    const builtIn: Plugin[] = [
      lifecycleLog(log),
      ...plugins.webhook === undefined ? [] : [webhook(plugins.webhook, log)],
      ...metrics === undefined ? [] : [metrics.plugin()],
    ];
    return new HookBus(builtIn, log, {
      rows: get(TOKENS.pluginRecords),
      present: () => present(get),
    });
  });
}

/**
 * Returns the running containers, to be replayed to plugins that are added later. A container whose start is in
 * progress has no current task yet: its start will be delivered as usual.
 */
const present = (get: Get) =>
  get(TOKENS.table).list().flatMap((container) => {
    const { state } = container;
    const isReported = get(TOKENS.runs).current(container) !== undefined;
    return isLive(state) && isReported ? [startedContext(container, state.pid, true)] : [];
  });

function byState(get: Get): Readonly<Record<string, number>> {
  const counts = { created: 0, running: 0, paused: 0, restarting: 0, exited: 0 };
  for (const { state } of get(TOKENS.table).list()) counts[state.status]++;
  return counts;
}
