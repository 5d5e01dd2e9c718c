import { startedContext } from "../engine/containers/container_contexts.ts";
import { isLive } from "../engine/containers/container.ts";
import { HookBus, lifecycleLog } from "../plugins/mod.ts";
import { PluginRecords } from "../store/plugin_records.ts";
import { type EngineSettings, type Get, type Provide, TOKENS } from "./tokens.ts";

/** Who is called when containers come and go. */
export function providePlugins(provide: Provide, { log }: EngineSettings): void {
  provide(TOKENS.hooks, (get) =>
    new HookBus([lifecycleLog(log)], log, {
      rows: new PluginRecords(get(TOKENS.database)),
      present: () => present(get),
    }));
}

/** Those that run, for plugins that come later. */
const present = (get: Get) =>
  get(TOKENS.table).list().flatMap((container) =>
    isLive(container.state) ? [startedContext(container, container.state.pid, true)] : []
  );
