/**
 * @module
 * A sample of what containers write, for plugins; the log Worker takes it only while a plugin wants it.
 */
import type { HookBus } from "../../plugins/mod.ts";
import type { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import type { Container } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";

/** Of each container, at most. */
const LINES_PER_SECOND = 10;
const HOOK = "log.line";

export interface LogSamplingDeps {
  readonly hooks: Pick<HookBus, "isSubscribed" | "onSubscribed" | "callParallel">;
  readonly outputs: Pick<StdioRouter, "sample">;
  readonly table: { has(id: string): boolean; find(id: string): Container };
}

/** From now on plugins that want lines get them. */
export function callLineHooks({ hooks, outputs, table }: LogSamplingDeps): void {
  const arrange = () =>
    outputs.sample(hooks.isSubscribed(HOOK) ? LINES_PER_SECOND : 0, (id, lines) => {
      if (!table.has(id)) return;
      const container = table.find(id);
      for (const line of lines) hooks.callParallel(HOOK, () => ({ ...containerContext(container), ...line }));
    });
  hooks.onSubscribed((hook) => hook === HOOK ? arrange() : undefined);
  if (hooks.isSubscribed(HOOK)) arrange();
}
